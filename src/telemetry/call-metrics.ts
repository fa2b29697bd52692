import type { Registry } from 'prom-client';
import type { ChainedCalls, HeldCore, StaticCore } from '../audit/types.ts';
import {
  type CountSeries,
  countedFrom,
  type DurationSeries,
  durationSeries,
  FoldedHistogram,
  observeDuration,
} from './folded.ts';
import { metrics, seriesMax } from './names.ts';
import { createVersionLabel } from './version-label.ts';

type Labels = Record<string, string>;

/** What one call adds to. Series of times that not every call has are made when the first comes. */
class Fold {
  readonly request: CountSeries;
  readonly decision: CountSeries;
  readonly limited: CountSeries | undefined;
  readonly duration: DurationSeries;
  /** Its place at the cores of its calls: one for all of them, so that thousands of callers don't have one each. */
  last: LastFold | undefined;
  readonly #series: AllSeries;
  readonly #what: Labels;
  #firstByte: DurationSeries | undefined;
  #queueWait: DurationSeries | undefined;

  constructor(all: AllSeries, call: Labelled | undefined, version: string) {
    const { service, operation, outcome, reason, rule } = textsOf(call);
    const what = { service, model: call === undefined ? '' : model(call), version, operation };
    const status = call === undefined ? '' : String(call.status);
    this.#series = all;
    this.#what = what;
    this.request = series(all.requests, { ...what, status, outcome }, count);
    this.decision = series(all.decisions, { outcome, reason, rule }, count);
    this.limited = reason === 'limit-exceeded' ? series(all.limited, { rule }, count) : undefined;
    this.duration = series(all.durations, { ...what, outcome }, durationSeries);
  }

  get firstByte(): DurationSeries {
    this.#firstByte ??= series(this.#series.firstBytes, this.#what, durationSeries);
    return this.#firstByte;
  }

  get queueWait(): DurationSeries {
    const { service = '', model: name = '' } = this.#what;
    this.#queueWait ??= series(this.#series.queueWaits, { service, model: name }, durationSeries);
    return this.#queueWait;
  }
}

class AllSeries {
  readonly requests = new Map<string, CountSeries>();
  readonly decisions = new Map<string, CountSeries>();
  readonly limited = new Map<string, CountSeries>();
  readonly durations = new Map<string, DurationSeries>();
  readonly firstBytes = new Map<string, DurationSeries>();
  readonly queueWaits = new Map<string, DurationSeries>();
}

/** What the last call of a core added to, and its status, kept at the core: calls of one kept decision mostly end in one status. */
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

/** Counts calls, block by block. Cheap: what a call adds to is found at its core, where the last such call ended alike. */
export function callMetrics(registry: Registry): (calls: ChainedCalls) => void {
  const all = new AllSeries();
  const folds = new Map<string, Fold>();
  countedFrom(metrics.requests, valuesOf(all.requests), registry);
  countedFrom(metrics.decisions, valuesOf(all.decisions), registry);
  countedFrom(metrics.limited, valuesOf(all.limited), registry);
  new FoldedHistogram(metrics.requestDuration, valuesOf(all.durations), registry);
  new FoldedHistogram(metrics.firstByte, valuesOf(all.firstBytes), registry);
  new FoldedHistogram(metrics.queueWait, valuesOf(all.queueWaits), registry);
  const versionLabel = createVersionLabel();

  const fold = (key: string, call: Labelled | undefined): Fold => {
    if (call !== undefined && folds.size >= seriesMax) return folds.get('') ?? fold('', undefined);
    const made = new Fold(all, call, call === undefined ? '' : versionLabel(call, model(call)));
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
    if (found.last?.status !== status) found.last = new LastFold(folds, status, found);
    held.folded = found.last;
    return found;
  };
  return ({ count: calls, statuses, totalsMs, upstreamsMs, queuesMs, cores }) => {
    for (let call = 0; call < calls; call += 1) {
      const found = foldOf(cores[call] as HeldCore, statuses[call] as number);
      found.request.count += 1;
      found.decision.count += 1;
      if (found.limited !== undefined) found.limited.count += 1;
      observeDuration(found.duration, (totalsMs[call] as number) / 1000);
      const [upstreamMs, queueMs] = [upstreamsMs[call] as number, queuesMs[call] as number];
      if (upstreamMs >= 0) observeDuration(found.firstByte, upstreamMs / 1000);
      if (queueMs >= 0) observeDuration(found.queueWait, queueMs / 1000);
    }
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

function textsOf(call: Labelled | undefined): Record<'service' | 'operation' | 'outcome' | 'reason' | 'rule', string> {
  const { service, operation, outcome, reason, rule } = call ?? {};
  return {
    service: service ?? '',
    operation: operation ?? '',
    outcome: outcome ?? '',
    reason: reason ?? '',
    rule: rule ?? '',
  };
}

function count(labels: Readonly<Labels>): CountSeries {
  return { labels, count: 0 };
}

function series<T>(all: Map<string, T>, labels: Labels, make: (labels: Labels) => T): T {
  const key = Object.values(labels).join('\n');
  const known = all.get(key) ?? make(labels);
  all.set(key, known);
  return known;
}

function valuesOf<T>(all: ReadonlyMap<string, T>): Iterable<T> {
  return { [Symbol.iterator]: () => all.values() };
}
