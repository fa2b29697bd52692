import type { Identity } from '../identity/types.ts';
import { conditionsOf } from '../plan/index.ts';
import type { AccessPlan, ConditionsPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import type { CelContext } from './cel.ts';
import { type CallView, type ConditionPart, conditionParts } from './condition-parts.ts';
import type { OriginFacts, QueueFacts, RequestFacts } from './types.ts';

/** One call, as conditions see it. */
export interface Call {
  readonly operation: Operation;
  readonly identity: Identity | undefined;
  readonly facts: RequestFacts;
}

/** What came of asking a condition. */
export type Outcome =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'failed'; readonly error: string };

/** The conditions of one call, each asked only when rules need it. */
export interface Asked {
  /**
   * All that are given, together. One that is false makes them false; else one that an error stands in the way of makes
   * them fail. In a fixed order, up to the first that is false.
   */
  ask(conditions: ConditionsPlan): Outcome;
  /** Each by itself, for whoever explains. */
  each(conditions: ConditionsPlan): readonly { readonly part: ConditionPart; readonly outcome: Outcome }[];
  /** Whether any condition asked so far reads the clock. */
  readonly readTime: boolean;
  /** Whether any reads a queue. */
  readonly readQueue: boolean;
}

const holds: Outcome = { kind: 'true' };
const fails: Outcome = { kind: 'false' };
/** INVARIANT: every condition that is asked is one of the Plan. One that isn't has failed. */
const unknownParts: readonly ConditionPart[] = [
  {
    readsTime: false,
    readsQueue: false,
    holds() {
      throw new TypeError('the condition is not part of the plan');
    },
    ...{ met: '', unmet: () => '', failed: (error) => error },
  },
];

type Ready = ReadonlyMap<ConditionsPlan, readonly ConditionPart[]>;

/** Makes every condition of the Plan ready once. Throws TypeError where one is not what the compiler lets through. */
export function createConditions(access: AccessPlan): (call: Call) => Asked {
  const ready = new Map<ConditionsPlan, readonly ConditionPart[]>();
  for (const rule of access.rules) {
    for (const conditions of conditionsOf(rule)) ready.set(conditions, prepare(rule, conditions));
  }
  return (call) => new Asking(ready, access.environment, call);
}

function prepare({ name }: RulePlan, conditions: ConditionsPlan): readonly ConditionPart[] {
  try {
    return conditionParts(conditions);
  } catch (cause) {
    throw new TypeError(`rule ${name}: ${summaryOf(cause)}`, { cause });
  }
}

class Asking implements Asked, CallView {
  readTime = false;
  readQueue = false;
  readonly facts: RequestFacts;
  readonly #ready: Ready;
  readonly #environment: string;
  readonly #call: Call;
  readonly #headers = new Map<string, string>();
  #context: CelContext | undefined;

  constructor(ready: Ready, environment: string, call: Call) {
    this.#ready = ready;
    this.#environment = environment;
    this.#call = call;
    this.facts = call.facts;
  }

  ask(conditions: ConditionsPlan): Outcome {
    let all = holds;
    for (const part of this.#ready.get(conditions) ?? unknownParts) {
      const outcome = this.#askPart(part);
      if (outcome.kind === 'false') return outcome;
      if (outcome.kind === 'failed') all = outcome;
    }
    return all;
  }

  each(conditions: ConditionsPlan): ReturnType<Asked['each']> {
    return (this.#ready.get(conditions) ?? unknownParts).map((part) => ({ part, outcome: this.#askPart(part) }));
  }

  #askPart(part: ConditionPart): Outcome {
    if (part.readsTime) this.readTime = true;
    if (part.readsQueue) this.readQueue = true;
    try {
      return part.holds(this) ? holds : fails;
    } catch (error) {
      return { kind: 'failed', error: summaryOf(error) };
    }
  }

  /** Conditions name their headers, so that only those are fetched, and none sees another's. */
  context(headers: readonly string[]): CelContext {
    for (const name of headers) {
      const value = this.facts.header(name);
      if (value !== undefined) this.#headers.set(name, value);
    }
    this.#context ??= celContext(this.#call, this.#headers, this.#environment);
    return this.#context;
  }
}

function celContext(
  { operation, identity, facts }: Call,
  headers: Map<string, string>,
  environment: string,
): CelContext {
  const { method, path, host, address, nowMs, queue, origin } = facts;
  return {
    request: { method, path, host, address, time: new Date(nowMs), headers },
    caller: partyContext(identity),
    origin: partyContext(origin),
    resource: { service: operation.service, model: operation.model ?? '', version: operation.version ?? '' },
    queue: queue === undefined ? unknownQueue : queueContext(queue),
    action: operation.action,
    operation: operation.name,
    environment,
  };
}

function partyContext(party: OriginFacts | undefined): object {
  return {
    known: party !== undefined,
    subject: party?.subject ?? '',
    issuer: party?.issuer ?? '',
    identity: party?.provider ?? '',
    groups: party?.groups ?? [],
    client: party?.client ?? '',
  };
}

/** What nobody counts has no number: not even 0, which would look like calm. */
const unknownQueue = Object.freeze({
  get waiting(): never {
    return unknown();
  },
  get inFlight(): never {
    return unknown();
  },
});

function unknown(): never {
  throw new RangeError('what the queue holds is not known here');
}

/** CEL's whole numbers are BigInts. Throws RangeError where a count is none. */
function queueContext({ waiting, inFlight }: QueueFacts): object {
  return { waiting: BigInt(waiting), inFlight: BigInt(inFlight) };
}

function summaryOf(error: unknown): string {
  if (error instanceof Error && 'summary' in error && typeof error.summary === 'string') return error.summary;
  return error instanceof Error ? error.message : String(error);
}
