import { parseDurationMs } from '../std/duration.ts';
import { parseShare } from '../std/share.ts';
import type { Cursor } from './cursor.ts';
import type { EnvironmentFile } from './schema/environment.ts';
import type { PolicyFile } from './schema/policy.ts';
import type {
  CarriedNode,
  CompressionNode,
  HealthNode,
  QueueNode,
  QueuesNode,
  RetriesNode,
  TimeoutsNode,
  TrafficNode,
} from './traffic-types.ts';
import type { Located } from './types.ts';

type Service = EnvironmentFile['services'][string];
type Written<K extends keyof Service> = Cursor<NonNullable<Service[K]>>;
type Family = NonNullable<PolicyFile['services'][string]['families']>[string];
type Carried = Pick<NonNullable<Family['with']>, 'repeats' | 'sequence'>;

/** `repeats` and `sequence` of a model, or of all of a family. */
export function carriedNode(cursor: Cursor<Carried> | Cursor<Carried | null>): CarriedNode {
  const carried = cursor as Cursor<Carried>;
  const repeats = carried.at('repeats');
  const share = repeats?.at('share')?.located();
  const sequence = carried.at('sequence')?.need('header').located();
  return {
    ...(repeats && { repeats: { span: repeats.span, ...(share && { share }) } }),
    ...(sequence && { sequence }),
  };
}

/** What the binding of a service says of how calls are carried. */
export function trafficNode(service: Cursor<Service>): TrafficNode {
  const timeouts = service.at('timeouts');
  const health = service.at('health');
  const retries = service.at('retries');
  const queue = service.at('queue');
  const compression = service.at('compression');
  return {
    ...(timeouts && { timeouts: timeoutsNode(timeouts) }),
    ...(health && { health: healthNode(health) }),
    ...(retries && { retries: retriesNode(retries) }),
    ...(queue && { queue: queuesNode(queue) }),
    ...(compression && { compression: compressionNode(compression) }),
  };
}

function timeoutsNode(cursor: Written<'timeouts'>): TimeoutsNode {
  const [connect, answer, deadline] = [cursor.at('connect'), cursor.at('answer'), cursor.at('deadline')];
  return {
    ...(connect && { connect: duration(connect) }),
    ...(answer && { answer: duration(answer) }),
    ...(deadline && { deadline: duration(deadline) }),
  };
}

function healthNode(cursor: Written<'health'>): HealthNode {
  const [every, rise, fall] = [cursor.at('every'), cursor.at('rise')?.located(), cursor.at('fall')?.located()];
  const service = cursor.at('service')?.located();
  const counts = { ...(rise && { rise }), ...(fall && { fall }) };
  return { span: cursor.span, ...(every && { every: duration(every) }), ...counts, ...(service && { service }) };
}

type RetriesMap = Exclude<NonNullable<Service['retries']>, 'none'>;

function retriesNode(cursor: Written<'retries'>): RetriesNode {
  const { span } = cursor;
  if (!cursor.isMap) return { span, tries: { value: 1, span }, budget: { value: 0, span } };
  const map = cursor as Cursor<RetriesMap>;
  const tries = map.at('tries')?.located();
  const budget = map.at('budget')?.located();
  return { span, ...(tries && { tries }), ...(budget && { budget: ppmNode(budget) }) };
}

function queuesNode(cursor: Written<'queue'>): QueuesNode {
  const models = cursor.at('models')?.entries() ?? [];
  return {
    ...(cursor.at('inFlight') && { service: queueNode(cursor) }),
    models: models.map(({ name, value }) => ({ name, queue: queueNode(value) })),
  };
}

interface Places {
  readonly inFlight?: number | undefined;
  readonly waiting?: number | undefined;
  readonly wait?: string | undefined;
}

function queueNode(cursor: Cursor<Places>): QueueNode {
  const waiting = cursor.at('waiting')?.located();
  const wait = cursor.at('wait');
  return {
    span: cursor.span,
    inFlight: cursor.need('inFlight').located(),
    ...(waiting && { waiting }),
    ...(wait && { wait: duration(wait) }),
  };
}

function compressionNode(cursor: Written<'compression'>): CompressionNode {
  const answers = cursor.at('answers')?.many();
  const requests = cursor.at('requests')?.located();
  return { ...(answers && { answers: answers.map((each) => each.located()) }), ...(requests && { requests }) };
}

/** In milliseconds. */
export function duration(cursor: Cursor<string>): Located<number> {
  const { value, span } = cursor.located();
  const durationMs = parseDurationMs(value);
  if (durationMs === undefined) throw new TypeError('the schema let a malformed duration pass');
  return { value: durationMs, span };
}

/** A share in parts per million. */
export function ppmNode({ value, span }: Located<string>): Located<number> {
  const ppm = parseShare(value);
  if (ppm === undefined) throw new TypeError('the schema let a malformed share pass');
  return { value: ppm, span };
}
