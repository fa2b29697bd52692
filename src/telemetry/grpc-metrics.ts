import type { Registry } from 'prom-client';
import type { ChainedCalls, HeldCore, StaticCore } from '../audit/types.ts';
import { grpcStatusNames } from '../std/grpc-status.ts';
import {
  type CountSeries,
  countedFrom,
  type DurationSeries,
  durationSeries,
  FoldedHistogram,
  observeDuration,
} from './folded.ts';
import { grpcBucketsSeconds, grpcMetrics } from './grpc-names.ts';
import { seriesMax } from './names.ts';

/** By service of protocol `grpc`: the methods that are told apart, as `acme.orders.v1.Orders/Get`. All others are `other`. */
export type GrpcMethods = ReadonlyMap<string, ReadonlySet<string>>;

/** Label of a status that nobody saw. */
const unseen = 'unseen';
const other = 'other';
/** Of a call that its caller left. */
const cancelled = 1;

/** Series of all methods. */
class GrpcSeries {
  readonly calls: CountSeries[] = [];
  readonly messages: CountSeries[] = [];
  readonly bytes: CountSeries[] = [];
  readonly firstMessages: DurationSeries[] = [];
  readonly durations: DurationSeries[] = [];
}

/** What calls of one method add to; series are made when the first call needs them. */
class MethodFold {
  readonly #all: GrpcSeries;
  readonly #labels: Readonly<Record<'service' | 'method', string>>;
  readonly #outcome: string;
  readonly #statuses = new Map<number, CountSeries>();
  readonly #duration: DurationSeries;
  #bytes: readonly [into: CountSeries, out: CountSeries] | undefined;
  #messages: readonly [into: CountSeries, out: CountSeries] | undefined;
  #first: DurationSeries | undefined;
  /** The fold of the same method that holds what outcomes share. */
  readonly #shared: MethodFold;

  constructor(
    all: GrpcSeries,
    core: Pick<StaticCore, 'outcome'>,
    of: { readonly service: string; readonly method: string; readonly shared: MethodFold | undefined },
  ) {
    this.#all = all;
    this.#labels = { service: of.service, method: of.method };
    this.#outcome = core.outcome;
    this.#shared = of.shared ?? this;
    this.#duration = durationSeries({ ...this.#labels, outcome: core.outcome }, grpcBucketsSeconds);
    all.durations.push(this.#duration);
  }

  add(calls: ChainedCalls, call: number, status: number): void {
    this.#statusOf(status).count += 1;
    observeDuration(this.#duration, (calls.totalsMs[call] as number) / 1000);
    this.#shared.#carry(calls, call);
  }

  #carry(calls: ChainedCalls, call: number): void {
    const [bytesIn, bytesOut] = [calls.bytesIn[call] as number, calls.bytesOut[call] as number];
    if (bytesIn > 0 || bytesOut > 0) {
      this.#bytes ??= this.#bothWays(this.#all.bytes);
      count(this.#bytes, bytesIn, bytesOut);
    }
    const [messagesIn, messagesOut] = [calls.messagesIn[call] as number, calls.messagesOut[call] as number];
    if (messagesIn >= 0 || messagesOut >= 0) {
      this.#messages ??= this.#bothWays(this.#all.messages);
      count(this.#messages, messagesIn, messagesOut);
    }
    const firstMs = calls.firstsMs[call] as number;
    if (firstMs < 0) return;
    if (this.#first === undefined) {
      this.#first = durationSeries(this.#labels, grpcBucketsSeconds);
      this.#all.firstMessages.push(this.#first);
    }
    observeDuration(this.#first, firstMs / 1000);
  }

  #statusOf(status: number): CountSeries {
    const known = this.#statuses.get(status);
    if (known !== undefined) return known;
    const grpc_status = grpcStatusNames[status] ?? unseen;
    const made = { labels: { ...this.#labels, grpc_status, outcome: this.#outcome }, count: 0 };
    this.#all.calls.push(made);
    this.#statuses.set(status, made);
    return made;
  }

  #bothWays(all: CountSeries[]): readonly [CountSeries, CountSeries] {
    const made = (['in', 'out'] as const).map((direction) => ({ labels: { ...this.#labels, direction }, count: 0 }));
    all.push(...made);
    return made as unknown as readonly [CountSeries, CountSeries];
  }
}

function count([into, out]: readonly [CountSeries, CountSeries], added: number, addedOut: number): void {
  if (added > 0) into.count += added;
  if (addedOut > 0) out.count += addedOut;
}

/** A core's fold, and of which methods it was found. */
interface Found {
  readonly of: GrpcMethods;
  readonly fold: MethodFold | undefined;
}

/** Counts calls of gRPC services. */
export class GrpcMetrics {
  readonly #all = new GrpcSeries();
  readonly #folds = new Map<string, MethodFold>();
  readonly #found = new WeakMap<HeldCore, Found>();
  #methods: GrpcMethods = new Map();

  constructor(registry: Registry) {
    countedFrom(grpcMetrics.grpcCalls, this.#all.calls, registry);
    countedFrom(grpcMetrics.grpcMessages, this.#all.messages, registry);
    countedFrom(grpcMetrics.grpcBytes, this.#all.bytes, registry);
    new FoldedHistogram(grpcMetrics.grpcFirstMessage, this.#all.firstMessages, registry);
    new FoldedHistogram(grpcMetrics.grpcDuration, this.#all.durations, registry);
  }

  setMethods(methods: GrpcMethods): void {
    this.#methods = methods;
  }

  /** Numbers by service, 0 of those that aren't named. */
  withAll(byService: Readonly<Record<string, number>>): Record<string, number> {
    return { ...Object.fromEntries([...this.#methods.keys()].map((service) => [service, 0])), ...byService };
  }

  /** Nothing is looked at where the Plan has no such service. */
  observe(calls: ChainedCalls): void {
    if (this.#methods.size === 0) return;
    for (let call = 0; call < calls.count; call += 1) {
      const held = calls.cores[call] as HeldCore;
      const fold = this.#foldOf(held);
      if (fold === undefined) continue;
      const hasLeft = calls.statuses[call] === 0;
      fold.add(calls, call, hasLeft ? cancelled : (held.core.grpcStatus ?? (calls.grpcStatuses[call] as number)));
    }
  }

  #foldOf(held: HeldCore): MethodFold | undefined {
    const known = this.#found.get(held);
    if (known !== undefined && known.of === this.#methods) return known.fold;
    const fold = this.#find(held.core);
    this.#found.set(held, { of: this.#methods, fold });
    return fold;
  }

  #find(core: StaticCore): MethodFold | undefined {
    const { service, operation, outcome } = core;
    const methods = service === null ? undefined : this.#methods.get(service);
    if (service === null || methods === undefined || operation === null) return undefined;
    const named = methodOf(core, methods);
    // Each method has its series for each status: of very many methods the last ones are not told apart.
    const method = this.#folds.size < foldsMax || this.#folds.has(keyOf(service, named, outcome)) ? named : other;
    const [own, opposite] = [keyOf(service, method, outcome), keyOf(service, method, opposites[outcome])];
    const fold =
      this.#folds.get(own) ?? new MethodFold(this.#all, core, { service, method, shared: this.#folds.get(opposite) });
    this.#folds.set(own, fold);
    return fold;
  }
}

/** A method has some forty series. */
const foldsMax = seriesMax / 40;
const opposites = { allow: 'deny', deny: 'allow' } as const;

function keyOf(service: string, method: string, outcome: string): string {
  return `${service}\n${method}\n${outcome}`;
}

/** What a caller made up is `other`. */
function methodOf({ service, operation, resource }: StaticCore, methods: ReadonlySet<string>): string {
  if (operation !== 'call') return operation ?? other;
  const name = resource?.slice((service ?? '').length + 1) ?? '';
  return methods.has(name) ? name : other;
}
