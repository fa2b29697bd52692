import { Registry } from 'prom-client';
import type { ChainedCalls } from '../audit/types.ts';
import { callMetrics } from './call-metrics.ts';
import { type Figures, figures } from './figures.ts';
import { processMetrics } from './process.ts';

/** Metrics of one gateway. What is said of calls is folded from audit records: so it is equal on every engine. */
export interface Metrics extends Figures {
  /** Counts the calls of a block. */
  observe(calls: ChainedCalls): void;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
  /** Value of Content-Type for `text()`. */
  readonly contentType: string;
}

/** Metrics with a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const ofCalls = { observe: callMetrics(registry) };
  const ofRest = figures(registry);
  const takeProcess = processMetrics(registry);
  return {
    ...ofCalls,
    ...ofRest,
    text: () => {
      takeProcess();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
