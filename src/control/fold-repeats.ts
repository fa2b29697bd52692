import type { Clock } from '../std/clock.ts';

/** A sentence that is said again and again is said once in so long. */
const quietMs = 10_000;
/** Sentences remembered at most. */
const rememberedMax = 100;

/**
 * A log that says a line once, and if it comes again only every 10 seconds, with how often it came: a full disk must not be
 * answered by a full log.
 */
export function foldRepeats(log: (line: string) => void, clock: Clock): (line: string) => void {
  const said = new Map<string, { atMs: number; held: number }>();
  return (line) => {
    const nowMs = clock.now();
    const before = said.get(line);
    if (before !== undefined && nowMs - before.atMs < quietMs) {
      before.held += 1;
      return;
    }
    said.delete(line);
    said.set(line, { atMs: nowMs, held: 0 });
    const [oldest] = said.keys();
    if (said.size > rememberedMax && oldest !== undefined) said.delete(oldest);
    log(before === undefined || before.held === 0 ? line : `${line} (${before.held} times more since then)`);
  };
}
