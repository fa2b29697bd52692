import { Gauge, Registry } from 'prom-client';
import type { AuditCore, AuditStatus, ParsedRecord } from '../audit/types.ts';
import {
  type CountSeries,
  countedFrom,
  type DurationSeries,
  durationSeries,
  FoldedHistogram,
  observeDuration,
} from './folded.ts';
import { type MetricRow, metrics, seriesMax } from './names.ts';
import { createVersionLabel } from './version-label.ts';

/** Metrics of one gateway, folded from audit records: so they are equal on every engine. */
export interface Metrics {
  /** Counts one call. Cheap: one look-up by `coreText` where the record has it, else by a joined key. */
  observe(record: ParsedRecord): void;
  setAudit(status: AuditStatus): void;
  setKeptDecisions(count: number): void;
  setBuildInfo(build: { readonly version: string; readonly engine: string; readonly environment: string }): void;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
  /** Value of Content-Type for `text()`. */
  readonly contentType: string;
}

/** What one call adds to. */
interface Fold {
  readonly request: CountSeries;
  readonly decision: CountSeries;
  readonly duration: DurationSeries;
}

/** Metrics with a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const folds = new Map<string, Fold>();
  const requests = new Map<string, CountSeries>();
  const decisions = new Map<string, CountSeries>();
  const durations = new Map<string, DurationSeries>();
  countedFrom(metrics.requests, { [Symbol.iterator]: () => requests.values() }, registry);
  countedFrom(metrics.decisions, { [Symbol.iterator]: () => decisions.values() }, registry);
  new FoldedHistogram({ [Symbol.iterator]: () => durations.values() }, registry);
  const audit = auditMetrics(registry);
  const keptDecisions = gauge(metrics.keptDecisions, registry);
  const buildInfo = gauge(metrics.buildInfo, registry);
  const versionLabel = createVersionLabel();

  const fold = (key: string, core: AuditCore | undefined): Fold => {
    if (core !== undefined && folds.size >= seriesMax) return folds.get('') ?? fold('', undefined);
    const version = core === undefined ? '' : versionLabel(core, model(core));
    const made: Fold = {
      request: series(requests, requestLabels(core, version), count),
      decision: series(decisions, decisionLabels(core), count),
      duration: series(durations, durationLabels(core, version), durationSeries),
    };
    folds.set(key, made);
    return made;
  };
  /** The last fold of each static core: calls of one kept decision mostly end in one status. */
  const recent = new Map<string, { status: number; fold: Fold }>();
  const foldOf = (record: ParsedRecord): Fold => {
    const { coreText, brief } = record;
    const known = coreText === undefined ? undefined : recent.get(coreText);
    if (known !== undefined && known.status === (brief ?? record.core).status) return known.fold;
    const { core } = record;
    const { service, operation, status, outcome, reason, rule } = core;
    const what = `${service}\n${model(core)}\n${versionLabel(core, model(core))}\n${operation}`;
    const key = `${what}\n${status}\n${outcome}\n${reason}\n${rule}`;
    const found = folds.get(key) ?? fold(key, core);
    if (recent.size >= seriesMax) recent.clear();
    if (coreText !== undefined) recent.set(coreText, { status, fold: found });
    return found;
  };
  return {
    observe(record) {
      const { request, decision, duration } = foldOf(record);
      request.count += 1;
      decision.count += 1;
      observeDuration(duration, (record.brief ?? record.timing).totalMs / 1000);
    },
    setAudit: (status) => audit(status),
    setKeptDecisions: (kept) => keptDecisions.set(kept),
    setBuildInfo(build) {
      buildInfo.reset();
      buildInfo.set({ ...build }, 1);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/**
 * A model that the policy doesn't name is a caller's word: it makes no series. Only the decision knows, and it was asked where a
 * rule stands, or none allows, or a known model lacks the version; a refused credential comes before it.
 */
function model(core: AuditCore): string {
  const known = core.rule !== null || core.reason === 'no-rule-allows' || core.reason === 'version-unknown';
  return known ? (core.model ?? '') : '';
}

function requestLabels(core: AuditCore | undefined, version: string): Record<string, string> {
  const status = core === undefined ? '' : String(core.status);
  return { ...durationLabels(core, version), status, outcome: core?.outcome ?? '' };
}

function durationLabels(core: AuditCore | undefined, version: string): Record<string, string> {
  return { service: core?.service ?? '', model: core ? model(core) : '', version, operation: core?.operation ?? '' };
}

function decisionLabels(core: AuditCore | undefined): Record<string, string> {
  return { outcome: core?.outcome ?? '', reason: core?.reason ?? '', rule: core?.rule ?? '' };
}

function count(labels: Readonly<Record<string, string>>): CountSeries {
  return { labels, count: 0 };
}

function series<T>(
  all: Map<string, T>,
  labels: Record<string, string>,
  make: (labels: Record<string, string>) => T,
): T {
  const key = Object.values(labels).join('\n');
  const known = all.get(key) ?? make(labels);
  all.set(key, known);
  return known;
}

function gauge(row: MetricRow, registry: Registry): Gauge {
  return new Gauge({ name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] });
}

/** The audit writer's own figures; its counters go on over restarts, so they are set, not raised. */
function auditMetrics(registry: Registry): (status: AuditStatus) => void {
  const events = { labels: {}, count: 0 };
  const unreadable = { labels: {}, count: 0 };
  countedFrom(metrics.auditEvents, [events], registry);
  countedFrom(metrics.auditUnreadable, [unreadable], registry);
  const lag = gauge(metrics.auditLag, registry);
  const behind = gauge(metrics.auditBehind, registry);
  const recording = gauge(metrics.auditRecording, registry);
  return (status) => {
    events.count = status.position;
    unreadable.count = status.unreadable;
    lag.set(status.lagMs / 1000);
    behind.set(status.behindBytes);
    recording.set(status.state === 'ok' ? 1 : 0);
  };
}
