import type { ChainedCalls } from './types.ts';

/** Calls that are followed at most: 100,000 streams at once, and those whose process went down. */
const followedMax = 100_000;
/** Shorter calls were never told of as open. */
const openMsMin = 1000;
/** A line in the chain begins with it. */
const idForm = /^\{"kind":"call","requestId":"([^"\\]{1,200})"/;
const idBytesMax = 256;

/** Calls that were told of as open, in this run, and of whose end no record has come. */
export class OpenCalls {
  readonly #ids = new Set<string>();

  get count(): number {
    return this.#ids.size;
  }

  /** What one block holds: `opened` are the ids of those that it tells of as open. */
  take(opened: readonly string[], calls: ChainedCalls): void {
    for (const id of opened) if (this.#ids.size < followedMax) this.#ids.add(id);
    if (this.#ids.size === 0) return;
    for (let call = 0; call < calls.count; call += 1) {
      if ((calls.totalsMs[call] as number) < openMsMin) continue;
      const [, id = ''] = idForm.exec(calls.line(call).toString('utf8', 0, idBytesMax)) ?? [];
      this.#ids.delete(id);
    }
  }
}
