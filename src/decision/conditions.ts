import type { Identity } from '../identity/types.ts';
import type { AccessPlan, ConditionPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { type CelCondition, type CelContext, compileCel } from './cel.ts';
import type { RequestFacts } from './types.ts';

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

/** The conditions of one call, each asked at most as often as rules need it. */
export interface Asked {
  ask(condition: ConditionPlan): Outcome;
  /** Whether any condition asked so far reads the clock. */
  readonly readTime: boolean;
}

const holds: Outcome = { kind: 'true' };
const fails: Outcome = { kind: 'false' };

/** Makes every condition of the Plan ready once. Throws where one is not what the compiler lets through. */
export function createConditions(access: AccessPlan): (call: Call) => Asked {
  const ready = new Map<string, CelCondition>();
  for (const rule of access.rules) {
    for (const { cel } of conditionsOf(rule)) if (!ready.has(cel)) ready.set(cel, prepare(rule, cel));
  }
  return (call) => new Asking(ready, access.environment, call);
}

/** Every condition of a rule: its own, and those of its exemptions. */
export function conditionsOf(rule: RulePlan): readonly ConditionPlan[] {
  return [rule.when, ...rule.unless.map(({ when }) => when)].filter((condition) => condition !== undefined);
}

function prepare(rule: RulePlan, cel: string): CelCondition {
  const condition = compileCel(cel);
  if ('faults' in condition) {
    throw new TypeError(`rule ${rule.name}: ${condition.faults[0]?.message ?? 'not a condition'}: ${cel}`);
  }
  return condition;
}

class Asking implements Asked {
  readTime = false;
  readonly #ready: ReadonlyMap<string, CelCondition>;
  readonly #environment: string;
  readonly #call: Call;
  readonly #headers = new Map<string, string>();
  #context: CelContext | undefined;

  constructor(ready: ReadonlyMap<string, CelCondition>, environment: string, call: Call) {
    this.#ready = ready;
    this.#environment = environment;
    this.#call = call;
  }

  ask({ cel }: ConditionPlan): Outcome {
    const condition = this.#ready.get(cel);
    if (condition === undefined) return { kind: 'failed', error: 'the condition is not part of the plan' };
    if (condition.reads.time) this.readTime = true;
    for (const name of condition.reads.headers) this.#readHeader(name);
    this.#context ??= celContext(this.#call, this.#headers, this.#environment);
    try {
      return condition.holds(this.#context) ? holds : fails;
    } catch (error) {
      return { kind: 'failed', error: summaryOf(error) };
    }
  }

  /** Conditions name their headers, so that only those are fetched, and none sees another's. */
  #readHeader(name: string): void {
    const value = this.#call.facts.header(name);
    if (value !== undefined) this.#headers.set(name, value);
  }
}

function celContext(
  { operation, identity, facts }: Call,
  headers: Map<string, string>,
  environment: string,
): CelContext {
  const { method, path, host, address, nowMs } = facts;
  return {
    request: { method, path, host, address, time: new Date(nowMs), headers },
    caller: {
      known: identity !== undefined,
      subject: identity?.subject ?? '',
      issuer: identity?.issuer ?? '',
      identity: identity?.provider ?? '',
      groups: identity?.groups ?? [],
      client: identity?.client ?? '',
    },
    resource: { service: operation.service, model: operation.model ?? '', version: operation.version ?? '' },
    action: operation.action,
    operation: operation.name,
    environment,
  };
}

function summaryOf(error: unknown): string {
  if (error instanceof Error && 'summary' in error && typeof error.summary === 'string') return error.summary;
  return error instanceof Error ? error.message : String(error);
}
