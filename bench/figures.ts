/** One figure of the run: how ours compares. Higher is better. */
export interface Figure {
  readonly name: string;
  /** Median of the pairs: other ÷ ours, in CPU time per request. */
  readonly ratio: number;
  /** The ratio that is aimed for, or null where the figure is there to be known. */
  readonly goal: number | null;
  /** Lowest and highest of the pairs. */
  readonly low: number;
  readonly high: number;
  /** How many pairs. */
  readonly runs: number;
}

/** What a figure is to be called and held against. */
export interface FigureAim {
  readonly name: string;
  readonly goal: number | null;
}

/** Folds paired costs, equal in number and order, to a figure: other ÷ ours, pair by pair. Throws RangeError without a pair. */
export function figureOfCosts(
  aim: FigureAim,
  costs: { readonly other: readonly number[]; readonly ours: readonly number[] },
): Figure {
  if (costs.other.length !== costs.ours.length) throw new RangeError(`${aim.name}: the costs don't pair`);
  const ratios = costs.other.map((other, index) => other / (costs.ours[index] ?? Number.NaN));
  return {
    name: aim.name,
    ratio: round(median(ratios)),
    goal: aim.goal,
    low: round(Math.min(...ratios)),
    high: round(Math.max(...ratios)),
    runs: ratios.length,
  };
}

/** Median of at least one number; of an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [upper, lower] = [sorted[middle], sorted[middle - 1]];
  if (upper === undefined) throw new RangeError('no median of nothing');
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
