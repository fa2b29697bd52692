import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/**
 * Which of these files some process holds open for writing, as Linux tells it in /proc (`fd`, and the access mode in `fdinfo`).
 * undefined where that can't be told: no /proc, or a process of this same user may not be looked at. Processes of other
 * users are passed over where they may not be looked at (they can't open our files), and so is init.
 */
export function openForWriting(paths: ReadonlySet<string>): Set<string> | undefined {
  try {
    const held = new Set<string>();
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (!lookAt(pid, paths, held)) return undefined;
    }
    return held;
  } catch {
    return undefined;
  }
}

/** false: it may not be looked at, and could hold one. */
function lookAt(pid: string, paths: ReadonlySet<string>, held: Set<string>): boolean {
  try {
    heldBy(pid, paths, held);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    return pid === '1' || unlessGone(() => statSync(`/proc/${pid}`).uid) !== process.getuid?.();
  }
}

function heldBy(pid: string, paths: ReadonlySet<string>, held: Set<string>): void {
  for (const fd of unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
    const path = unlessGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    if (path === undefined || !paths.has(path)) continue;
    const flags = unlessGone(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'));
    if (flags !== undefined && writes(flags)) held.add(path);
  }
}

/** The last octal digit of `flags:` holds the access mode; 0 is reading alone. */
function writes(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(fdinfo)?.[1] ?? '1';
  return (Number.parseInt(flags, 8) & 3) !== 0;
}

/** A process or file that ended meanwhile holds nothing; any other fault is the caller's. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
