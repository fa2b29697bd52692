export { readSamples, type Sample, sumOf } from './exposition.ts';
export type { ControlFigures, EngineFigures, ReplicaFigures, TrafficFigures } from './figures.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { durationBucketsSeconds, type MetricRow, metrics, seriesMax } from './names.ts';
