/** A run of sequence numbers of one worker that has not been seen. Both ends inclusive. */
export interface Gap {
  readonly worker: string;
  readonly from: number;
  readonly to: number;
  /** Place of the event that showed it. */
  readonly file: string;
  readonly line: number;
}

/** Sequences of workers as the chain shows them. */
export interface Sequences {
  /** Takes up one event; false: this worker's number was there before. */
  see(worker: string, sequence: number, file: string, line: number): boolean;
  /** What has not come by now, in the order in which it was missed. */
  gaps(): Gap[];
  /** Workers seen. */
  count(): number;
}

/**
 * Finds lost and repeated records. Numbers may come out of order (threads share a log), so a gap may be filled later. A
 * loss after a worker's last line can't be seen. `fromStart: false`: the chain's head is gone, a worker may begin anywhere.
 */
export function createSequences(fromStart: boolean): Sequences {
  const workers = new Map<string, { highest: number; open: Gap[] }>();
  return {
    see(worker, sequence, file, line) {
      let known = workers.get(worker);
      if (known === undefined) {
        known = { highest: fromStart ? 0 : sequence - 1, open: [] };
        workers.set(worker, known);
      }
      if (sequence <= known.highest) return fill(known.open, sequence);
      if (sequence > known.highest + 1)
        known.open.push({ worker, from: known.highest + 1, to: sequence - 1, file, line });
      known.highest = sequence;
      return true;
    },
    gaps: () => [...workers.values()].flatMap(({ open }) => open),
    count: () => workers.size,
  };
}

/** Takes a number out of the gap it falls into; false where it falls into none. Late ones are mostly near the end. */
function fill(open: Gap[], sequence: number): boolean {
  const at = open.findLastIndex(({ from, to }) => from <= sequence && sequence <= to);
  const gap = open[at];
  if (gap === undefined) return false;
  const parts = [
    { ...gap, to: sequence - 1 },
    { ...gap, from: sequence + 1 },
  ];
  open.splice(at, 1, ...parts.filter(({ from, to }) => from <= to));
  return true;
}
