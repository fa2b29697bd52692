/** A lock is looked at this often while it is held by somebody else; then its holder is taken for dead. */
const looksMax = 100;
const lookMs = 50;
/** Somebody sleeps until it is unlocked. */
const awaited = 1 << 8;

/** `at`: the word of the lock, 0 where it is free. `owner` 0 to 254: who takes it. Sleeps while it is held: not for event loops of the main thread. */
export function lock(words: Int32Array, at: number, owner: number): void {
  for (let look = 0; look < looksMax; look += 1) {
    const seen = Atomics.compareExchange(words, at, 0, owner + 1);
    if (seen === 0) return;
    const marked = seen | awaited;
    if (seen === marked || Atomics.compareExchange(words, at, seen, marked) === seen) {
      Atomics.wait(words, at, marked, lookMs);
    }
  }
  Atomics.store(words, at, owner + 1);
}

export function unlock(words: Int32Array, at: number): void {
  if ((Atomics.exchange(words, at, 0) & awaited) !== 0) Atomics.notify(words, at);
}

/** Takes a lock over from an owner who is known to be dead, or else waits for it like anybody. */
export function seize(words: Int32Array, at: number, { from, owner }: { from: number; owner: number }): void {
  const seen = Atomics.load(words, at);
  const isDeads = (seen & ~awaited) === from + 1;
  if (isDeads && Atomics.compareExchange(words, at, seen, (owner + 1) | awaited) === seen) return;
  lock(words, at, owner);
}
