import { Registry } from 'prom-client';
import type { ChainedCalls } from '../audit/types.ts';
import { callMetrics } from './call-metrics.ts';
import { type Figures, figures } from './figures.ts';
import { type GrpcMethods, GrpcMetrics } from './grpc-metrics.ts';
import { processMetrics } from './process.ts';

/** Metrics of one gateway. What is said of calls is folded from audit records: so it is equal on every engine. */
export interface Metrics extends Figures {
  /** Counts the calls of a block. */
  observe(calls: ChainedCalls): void;
  /** Which services are of protocol `grpc`, and which of their methods are told apart. */
  setGrpcMethods(methods: GrpcMethods): void;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
  /** Value of Content-Type for `text()`. */
  readonly contentType: string;
}

/** Metrics with a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const ofCalls = callMetrics(registry);
  const ofGrpc = new GrpcMetrics(registry);
  const ofRest = figures(registry);
  const takeProcess = processMetrics(registry);
  return {
    ...ofRest,
    observe(calls) {
      ofCalls(calls);
      ofGrpc.observe(calls);
    },
    setEngine(engine, replicas) {
      const streams = engine?.streams && { byService: ofGrpc.withAll(engine.streams.byService) };
      ofRest.setEngine(engine && { ...engine, ...(streams && { streams }) }, replicas);
    },
    setGrpcMethods: (methods) => ofGrpc.setMethods(methods),
    text: () => {
      takeProcess();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
