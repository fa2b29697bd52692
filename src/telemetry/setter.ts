import { Counter, Gauge, type Registry } from 'prom-client';
import type { MetricRow } from './names.ts';

/** Sets all series of a metric anew. */
export type Sets = (series: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]) => void;

/** A metric whose owner counts: counters, too, are set. None of its series is there until it is. */
export function setter(row: MetricRow, registry: Registry): Sets {
  let series: Parameters<Sets>[0] = [];
  const isPlain = row.labels.length === 0;
  const options = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] };
  if (row.type === 'counter') {
    new Counter({
      ...options,
      collect() {
        this.reset();
        // It would stand there as 0.
        if (isPlain && series.length === 0) this.remove();
        for (const [labels, value] of series) this.inc({ ...labels }, value);
      },
    });
  } else {
    new Gauge({
      ...options,
      collect() {
        this.reset();
        if (isPlain && series.length === 0) this.remove();
        for (const [labels, value] of series) this.set({ ...labels }, value);
      },
    });
  }
  return (next) => {
    series = next;
  };
}
