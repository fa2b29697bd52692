export { readSamples, type Sample, sumOf } from './exposition.ts';
export type { ControlFigures, EngineFigures, ReplicaFigures, TrafficFigures } from './figures.ts';
export type { GrpcMethods } from './grpc-metrics.ts';
export { grpcBucketsSeconds } from './grpc-names.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { durationBucketsSeconds, type MetricRow, metrics, seriesMax } from './names.ts';
export { isSampled } from './sampling.ts';
export { type OtlpSpan, otlpBody, type SpanSource, spansOf } from './spans.ts';
export { childSpanId, isOfShare, isSampledFlag, type SpanIds, spanIdsOf } from './trace.ts';
