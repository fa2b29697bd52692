import { stat } from 'node:fs/promises';

/** How often files are looked at. Looking works where notifying doesn't: over network file systems and swapped symbolic links. */
const lookMs = 250;

/** What is watched, and how each file was: see `stampsOf`. */
export type Stamps = ReadonlyMap<string, string>;

export interface Watch {
  /** From before they were read, so that no change falls between reading and watching. */
  readonly since: Stamps;
  /** Returns what is watched from then on, where it is known: as `since`. */
  readonly onChange: () => Promise<Stamps | undefined>;
}

/**
 * Calls `onChange` once files have changed and are then still for one look more, so that a half-written file isn't read. Calls
 * never overlap. Returns what ends the watching.
 */
export function watchFiles({ since, onChange }: Watch): () => void {
  let stopped = false;
  let settled = since;
  let seen = since;
  const look = async (): Promise<void> => {
    const now = await stampsOf([...settled.keys()]);
    if (!isSame(now, settled) && isSame(now, seen)) {
      settled = now;
      settled = (await onChange()) ?? now;
    }
    seen = now;
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    setTimeout(look, lookMs).unref();
  };
  void look();
  return () => {
    stopped = true;
  };
}

function isSame(one: Stamps, other: Stamps): boolean {
  return one.size === other.size && [...one].every(([file, stamped]) => other.get(file) === stamped);
}

/** Of each file what changes when it is written, replaced or removed. */
export async function stampsOf(files: readonly string[]): Promise<Stamps> {
  return new Map(await Promise.all(files.map(async (file) => [file, await stamp(file)] as const)));
}

/** The same of all of them, as one text. */
export async function stampOf(files: readonly string[]): Promise<string> {
  return (await Promise.all(files.map(stamp))).join('\n');
}

async function stamp(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'absent';
  }
}
