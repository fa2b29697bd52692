import { stat } from 'node:fs/promises';

/** How often files are looked at. Looking works where notifying doesn't: over network file systems and swapped symbolic links. */
const lookMs = 250;

export interface Watch {
  readonly files: readonly string[];
  /** `stampOf(files)` from before they were read, so that no change falls between reading and watching. */
  readonly since: string;
  readonly onChange: () => Promise<void>;
}

/**
 * Calls `onChange` once files have changed and are then still for one look more, so that a half-written file isn't read. Calls
 * never overlap. Returns what ends the watching.
 */
export function watchFiles({ files, since, onChange }: Watch): () => void {
  let stopped = false;
  let settled = since;
  let seen = since;
  const look = async (): Promise<void> => {
    const now = await stampOf(files);
    if (now !== settled && now === seen) {
      settled = now;
      await onChange();
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

/** What changes when one of the files is written, replaced or removed. */
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
