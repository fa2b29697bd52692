import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditStatus } from '../audit/types.ts';
import type { RunningEngine } from '../engines/engine.ts';
import type { Metrics, ReplicaFigures } from '../telemetry/index.ts';
import type { CertificateStatus } from './certificates.ts';
import type { ReloadCounts } from './reload-counts.ts';
import type { ReplicaStatus } from './replica-watch.ts';
import type { SpanCounts } from './span-export.ts';

export interface MetricsParts {
  readonly metrics: Metrics;
  readonly running: Pick<RunningEngine, 'status' | 'ownMetrics'>;
  readonly audit: AuditStatus;
  readonly reloads: ReloadCounts;
  readonly certificates: readonly CertificateStatus[];
  readonly replicas: readonly ReplicaStatus[];
  readonly spans?: SpanCounts | undefined;
}

/** How long the engine may take to say how it is: a scrape waits ten seconds at most. */
const statusMsMax = 2500;

/** `/metrics`: ours with the figures of this moment, then what the proxy measures itself. Ours come whatever the engine does. */
export async function metricsPage({ metrics, running, audit, reloads, ...parts }: MetricsParts): Promise<string> {
  const [status, own] = await Promise.all([
    Promise.race([running.status().catch(() => undefined), sleep(statusMsMax, undefined, { ref: false })]),
    running.ownMetrics?.().catch(() => false as const),
  ]);
  const certificates = parts.certificates.map(({ listener, ends }) => ({ listener, endMs: Date.parse(ends) }));
  const { lastGoodReloadMs, filesInForce, reloads: counts } = reloads;
  metrics.setAudit(audit);
  metrics.setEngine(status, parts.replicas.map(replicaFigures));
  const { spans } = parts;
  metrics.setControl({
    lastGoodReloadMs,
    filesInForce,
    reloads: counts,
    certificates,
    ...(spans !== undefined && { spans: { ...spans } }),
  });
  metrics.setEngineMetrics(own === undefined ? undefined : own !== false);
  const ours = await metrics.text();
  return typeof own === 'string' ? `${ours}${own}` : ours;
}

/** A replica that is polled and hasn't answered yet gets no calls; one that nobody polls does. */
function replicaFigures({ service, address, state, waits }: ReplicaStatus): ReplicaFigures {
  return { service, address, isUp: state === 'up' || state === 'unchecked', lacks: waits };
}
