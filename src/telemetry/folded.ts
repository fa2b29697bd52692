import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBucketsSeconds, type MetricRow } from './names.ts';

/** Labels and a count that is raised without a look-up. */
export interface CountSeries {
  readonly labels: Readonly<Record<string, string>>;
  count: number;
}

/** Labels and observations, bucket by bucket (not cumulative; the last is +Inf). */
export interface DurationSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: number[];
  /** Upper ones of the buckets but the last. */
  readonly bounds: readonly number[];
  sumSeconds: number;
}

/** A counter whose series are kept by its owner: prom-client's own hash their labels on every call. */
export function countedFrom(row: MetricRow, series: Iterable<CountSeries>, registry: Registry): void {
  new Counter({
    name: row.name,
    help: row.help,
    labelNames: [...row.labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of series) this.inc({ ...labels }, count);
    },
  });
}

/** A duration's series with its buckets at zero. */
export function durationSeries(
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[] = durationBucketsSeconds,
): DurationSeries {
  return { labels, buckets: new Array<number>(bounds.length + 1).fill(0), bounds, sumSeconds: 0 };
}

/** Counts one duration. */
export function observeDuration(series: DurationSeries, seconds: number): void {
  const { bounds } = series;
  let at = 0;
  while (at < bounds.length && seconds > (bounds[at] as number)) at += 1;
  series.buckets[at] = (series.buckets[at] as number) + 1;
  series.sumSeconds += seconds;
}

/** A histogram over series that are kept by its owner. */
export class FoldedHistogram extends Histogram<string> {
  readonly #row: MetricRow;
  readonly #series: Iterable<DurationSeries>;

  constructor(row: MetricRow, series: Iterable<DurationSeries>, registry: Registry) {
    const { name, help, labels, boundsSeconds = durationBucketsSeconds } = row;
    super({ name, help, labelNames: [...labels], buckets: [...boundsSeconds], registers: [registry] });
    this.#row = row;
    this.#series = series;
  }

  /** What prom-client's registry prints. */
  override async get(): ReturnType<Histogram<string>['get']> {
    const { name, help } = this.#row;
    const values = [...this.#series].flatMap((series) => histogramValues(name, series));
    return { name, help, type: 'histogram' as never, values, aggregator: 'sum' } as never;
  }

  /** The registry asks this one first. */
  async getForPromString(): ReturnType<Histogram<string>['get']> {
    return this.get();
  }
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

function histogramValues(name: string, { labels, buckets, bounds, sumSeconds }: DurationSeries): HistogramValue[] {
  let count = 0;
  const cumulative = buckets.map((bucket, at) => {
    count += bucket;
    const le = bounds[at] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...cumulative,
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
