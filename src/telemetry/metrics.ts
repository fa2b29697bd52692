import { Gauge, Registry } from 'prom-client';
import type { AuditStatus, ChainedCalls, HeldCore, StaticCore } from '../audit/types.ts';
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
  /** Counts the calls of a block. Cheap: what a call adds to is found at its core, where the last such call ended alike. */
  observe(calls: ChainedCalls): void;
  setAudit(status: AuditStatus): void;
  setKeptDecisions(count: number): void;
  /** Calls since the start that left no line. */
  setUnrecorded(count: number): void;
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

/** What the last call of a core added to, kept at the core: calls of one kept decision mostly end in one status. */
class LastFold {
  /** Whose it is: another registry has others. */
  readonly folds: ReadonlyMap<string, Fold>;
  readonly status: number;
  readonly fold: Fold;

  constructor(folds: ReadonlyMap<string, Fold>, status: number, fold: Fold) {
    this.folds = folds;
    this.status = status;
    this.fold = fold;
  }
}

/** What of a call makes labels. */
type Labelled = StaticCore & { readonly status: number };

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
  const unrecorded = { labels: {}, count: 0 };
  countedFrom(metrics.auditUnrecorded, [unrecorded], registry);
  const keptDecisions = gauge(metrics.keptDecisions, registry);
  const buildInfo = gauge(metrics.buildInfo, registry);
  const versionLabel = createVersionLabel();

  const fold = (key: string, call: Labelled | undefined): Fold => {
    if (call !== undefined && folds.size >= seriesMax) return folds.get('') ?? fold('', undefined);
    const version = call === undefined ? '' : versionLabel(call, model(call));
    const made: Fold = {
      request: series(requests, requestLabels(call, version), count),
      decision: series(decisions, decisionLabels(call), count),
      duration: series(durations, durationLabels(call, version), durationSeries),
    };
    folds.set(key, made);
    return made;
  };
  const foldOf = (held: HeldCore, status: number): Fold => {
    const { folded } = held;
    if (folded instanceof LastFold && folded.status === status && folded.folds === folds) return folded.fold;
    const call = { ...held.core, status };
    const { service, operation, outcome, reason, rule } = call;
    const what = `${service}\n${model(call)}\n${versionLabel(call, model(call))}\n${operation}`;
    const key = `${what}\n${status}\n${outcome}\n${reason}\n${rule}`;
    const found = folds.get(key) ?? fold(key, call);
    held.folded = new LastFold(folds, status, found);
    return found;
  };
  return {
    observe({ count: calls, statuses, totalsMs, cores }) {
      for (let call = 0; call < calls; call += 1) {
        const { request, decision, duration } = foldOf(cores[call] as HeldCore, statuses[call] as number);
        request.count += 1;
        decision.count += 1;
        observeDuration(duration, (totalsMs[call] as number) / 1000);
      }
    },
    setAudit: (status) => audit(status),
    setKeptDecisions: (kept) => keptDecisions.set(kept),
    setUnrecorded(count) {
      unrecorded.count = count;
    },
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
function model(core: StaticCore): string {
  const known = core.rule !== null || core.reason === 'no-rule-allows' || core.reason === 'version-unknown';
  return known ? (core.model ?? '') : '';
}

function requestLabels(core: Labelled | undefined, version: string): Record<string, string> {
  const status = core === undefined ? '' : String(core.status);
  return { ...durationLabels(core, version), status, outcome: core?.outcome ?? '' };
}

function durationLabels(core: Labelled | undefined, version: string): Record<string, string> {
  return { service: core?.service ?? '', model: core ? model(core) : '', version, operation: core?.operation ?? '' };
}

function decisionLabels(core: Labelled | undefined): Record<string, string> {
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
