import type { HeadgateStatus } from '../control/index.ts';
import { metrics, type Sample, sumOf } from '../telemetry/index.ts';

/** What a gateway said at one moment. */
export interface Look {
  readonly atMs: number;
  readonly samples: readonly Sample[];
  readonly status: TopStatus;
}

/** What is shown of `/status`. */
export type TopStatus = Pick<
  HeadgateStatus,
  'version' | 'environment' | 'engine' | 'epoch' | 'ready' | 'reason' | 'startedAt'
> & {
  readonly reload?: Pick<NonNullable<HeadgateStatus['reload']>, 'outcome' | 'message'>;
  readonly audit: Pick<HeadgateStatus['audit'], 'state' | 'reason'>;
};

/** Between two looks. Rates are a second; times in seconds, of calls that were allowed, undefined where there were none. */
export interface TopFigures {
  readonly calls: number;
  readonly failed: number;
  readonly refused: number;
  readonly questions: number;
  readonly kept: number;
  readonly lagSeconds: number;
  /** Cores. */
  readonly cpu: number;
  readonly models: readonly ModelFigures[];
  readonly refusals: readonly RefusalFigures[];
  readonly queues: readonly QueueFigures[];
  readonly streams: readonly StreamFigures[];
  readonly replicas: readonly ReplicaFigures[];
}

export interface ModelFigures {
  readonly service: string;
  readonly model: string;
  readonly version: string;
  readonly calls: number;
  /** Answered with 5xx, or not at all. */
  readonly failed: number;
  readonly refused: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

export interface RefusalFigures {
  readonly reason: string;
  readonly rule: string;
  readonly rate: number;
  /** As long as the gateway runs. */
  readonly total: number;
}

export interface QueueFigures {
  readonly service: string;
  readonly model: string;
  readonly inFlight: number;
  readonly waiting: number;
}

/** Of a gRPC service. Messages are those of calls that ended. */
export interface StreamFigures {
  readonly service: string;
  readonly open: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

export interface ReplicaFigures {
  readonly service: string;
  readonly endpoint: string;
  readonly state: string;
  readonly inFlight: number;
  /** Models and versions. */
  readonly awaited: number;
}

/** What came between two looks. A counter that fell was begun anew, by a gateway that was started again. */
export function topFigures(before: Look, now: Look): TopFigures {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  const came = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const [had, has] = [sumOf(before.samples, name, labels), sumOf(now.samples, name, labels)];
    return has < had ? has : has - had;
  };
  const rate = (name: string, labels: Readonly<Record<string, string>> = {}): number => came(name, labels) / seconds;
  const models = modelsOf(now, came, seconds);
  return {
    calls: rate(metrics.requests.name),
    failed: models.reduce((sum, { failed }) => sum + failed, 0),
    refused: models.reduce((sum, { refused }) => sum + refused, 0),
    questions: rate(metrics.gateQuestions.name),
    kept: sumOf(now.samples, metrics.keptDecisions.name),
    lagSeconds: sumOf(now.samples, metrics.auditLag.name),
    cpu: rate(metrics.processCpu.name),
    models,
    refusals: refusalsOf(now, rate),
    queues: queuesOf(now),
    streams: streamsOf(now, rate),
    replicas: replicasOf(now),
  };
}

type Came = (name: string, labels?: Readonly<Record<string, string>>) => number;

function modelsOf(now: Look, came: Came, seconds: number): ModelFigures[] {
  const { name } = metrics.requests;
  const all = distinct(now, name, ['service', 'model', 'version']);
  return all
    .map(({ service = '', model = '', version = '' }) => {
      const labels = { service, model, version };
      const statuses = distinct(now, name, ['status', 'outcome'], labels);
      const failed = statuses.filter(({ status = '' }) => isFailure(status));
      const refused = statuses.filter(({ status = '', outcome }) => outcome === 'deny' && !isFailure(status));
      const sum = (list: typeof statuses): number =>
        list.reduce((total, each) => total + came(name, { ...labels, ...each }), 0) / seconds;
      const bound = quantiles(came, now, labels);
      const rates = { calls: came(name, labels) / seconds, failed: sum(failed), refused: sum(refused) };
      return { ...labels, ...rates, p50: bound(0.5), p99: bound(0.99) };
    })
    .sort((a, b) => b.calls - a.calls || textOf(a).localeCompare(textOf(b)));
}

const textOf = ({ service, model, version }: ModelFigures): string => `${service} ${model} ${version}`;

/** 0: the caller left before the answer, which is nobody's failure. */
function isFailure(status: string): boolean {
  return Number(status) >= 500;
}

/** As Prometheus' histogram_quantile: within its bucket, times are taken to lie evenly. */
function quantiles(
  came: Came,
  now: Look,
  labels: Readonly<Record<string, string>>,
): (share: number) => number | undefined {
  const name = `${metrics.requestDuration.name}_bucket`;
  const wanted = { ...labels, outcome: 'allow' };
  const bounds = distinct(now, name, ['le'], wanted)
    .map(({ le = '' }) => ({ bound: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), le }))
    .sort((a, b) => a.bound - b.bound)
    .map(({ bound, le }) => ({ bound, count: came(name, { ...wanted, le }) }));
  const total = bounds.at(-1)?.count ?? 0;
  return (share) => {
    if (total === 0) return undefined;
    const rank = share * total;
    const at = bounds.findIndex(({ count }) => count >= rank);
    const [below, here] = [bounds[at - 1], bounds[at]];
    if (here === undefined || here.bound === Number.POSITIVE_INFINITY) return below?.bound;
    const [from, less] = [below?.bound ?? 0, below?.count ?? 0];
    return from + ((here.bound - from) * (rank - less)) / Math.max(1, here.count - less);
  };
}

function refusalsOf(now: Look, rate: Came): RefusalFigures[] {
  const { name } = metrics.decisions;
  return distinct(now, name, ['reason', 'rule'], { outcome: 'deny' })
    .map(({ reason = '', rule = '' }) => {
      const labels = { outcome: 'deny', reason, rule };
      return { reason, rule, rate: rate(name, labels), total: sumOf(now.samples, name, labels) };
    })
    .sort((a, b) => b.rate - a.rate || b.total - a.total || a.reason.localeCompare(b.reason));
}

function queuesOf(now: Look): QueueFigures[] {
  return distinct(now, metrics.queueWaiting.name, ['service', 'model']).map(({ service = '', model = '' }) => ({
    service,
    model,
    inFlight: sumOf(now.samples, metrics.queueInFlight.name, { service, model }),
    waiting: sumOf(now.samples, metrics.queueWaiting.name, { service, model }),
  }));
}

function streamsOf(now: Look, rate: Came): StreamFigures[] {
  const { name } = metrics.openStreams;
  return distinct(now, name, ['service']).map(({ service = '' }) => ({
    service,
    open: sumOf(now.samples, name, { service }),
    messagesIn: rate(metrics.grpcMessages.name, { service, direction: 'in' }),
    messagesOut: rate(metrics.grpcMessages.name, { service, direction: 'out' }),
  }));
}

function replicasOf(now: Look): ReplicaFigures[] {
  const { name } = metrics.endpointState;
  return distinct(now, name, ['service', 'endpoint']).map(({ service = '', endpoint = '' }) => {
    const labels = { service, endpoint };
    const is = now.samples.find(
      (sample) =>
        sample.name === name &&
        sample.value === 1 &&
        sample.labels.service === service &&
        sample.labels.endpoint === endpoint,
    );
    return {
      ...labels,
      state: is?.labels.state ?? '?',
      inFlight: sumOf(now.samples, metrics.endpointInFlight.name, labels),
      awaited: sumOf(now.samples, metrics.endpointLacks.name, labels),
    };
  });
}

/** The values of these labels that there are, in the order of the page. */
function distinct(
  { samples }: Look,
  name: string,
  names: readonly string[],
  within: Readonly<Record<string, string>> = {},
): Record<string, string>[] {
  const found = new Map<string, Record<string, string>>();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    if (Object.entries(within).some(([label, value]) => sample.labels[label] !== value)) continue;
    const picked = Object.fromEntries(names.map((label) => [label, sample.labels[label] ?? '']));
    found.set(Object.values(picked).join('\n'), picked);
  }
  return [...found.values()];
}
