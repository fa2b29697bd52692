import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AuditStatus } from '../audit/types.ts';
import type { RunningEngine } from '../engines/engine.ts';
import type { ListenerPlan } from '../plan/types.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { ReloadCounts } from './reload-counts.ts';

export interface MetricsParts {
  readonly metrics: Metrics;
  readonly running: Pick<RunningEngine, 'status' | 'ownMetrics'>;
  readonly audit: AuditStatus;
  readonly reloads: ReloadCounts;
  readonly listeners: readonly ListenerPlan[];
}

/** `/metrics`: ours with the figures of this moment, then what the proxy measures itself. Ours come whatever the engine does. */
export async function metricsPage({ metrics, running, audit, reloads, listeners }: MetricsParts): Promise<string> {
  const [status, own, certificates] = await Promise.all([
    running.status().catch(() => undefined),
    running.ownMetrics?.().catch(() => false as const),
    certificatesOf(listeners),
  ]);
  metrics.setAudit(audit);
  metrics.setEngine(status);
  const { lastGoodReloadMs, filesInForce, reloads: counts } = reloads;
  metrics.setControl({ lastGoodReloadMs, filesInForce, reloads: counts, certificates });
  metrics.setEngineMetrics(own === undefined ? undefined : own !== false);
  const ours = await metrics.text();
  return typeof own === 'string' ? `${ours}${own}` : ours;
}

/** One that can't be read has no series. */
async function certificatesOf(listeners: readonly ListenerPlan[]): Promise<{ listener: string; endMs: number }[]> {
  const read = listeners.map(async ({ name, tls }) => {
    if (tls === undefined) return [];
    const certificate = new X509Certificate(await readFile(tls.certificate));
    return [{ listener: name, endMs: Date.parse(certificate.validTo) }];
  });
  return (await Promise.all(read.map((each) => each.catch(() => [])))).flat();
}
