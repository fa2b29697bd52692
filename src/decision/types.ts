import type { LimitPlan } from '../plan/types.ts';

/** What conditions may read beside caller and resource. Header names are lower case; several values are joined by `, `. */
export interface RequestFacts {
  /** Name of the listener by which it came in. */
  readonly listener: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly address: string;
  readonly nowMs: number;
  /** Of the model's queue where it has one, else of the service's. Not known: a condition that reads it fails. */
  readonly queue?: QueueFacts | undefined;
  /** Who the call is made for; undefined: the caller itself. */
  readonly origin?: OriginFacts | undefined;
  header(name: string): string | undefined;
}

/** What another gateway says of the first caller of a chain. */
export interface OriginFacts {
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly client?: string;
  readonly groups: readonly string[];
}

/** How much is on its way through a queue. Whole numbers from 0. */
export interface QueueFacts {
  readonly waiting: number;
  readonly inFlight: number;
}

/** The answer of `decide()`, with the rule that made it. */
export interface Decision {
  readonly outcome: 'allow' | 'deny';
  /** `rule-allows`, `rule-denies`, `no-rule-allows`, `resource-unknown`. */
  readonly reason: DecisionReason;
  readonly rule?: DecidingRule;
  /** Of the allowing rule; all must pass; exceeding one never falls through. */
  readonly limits: readonly LimitPlan[];
  /** It read the clock: keep it for a second at most. */
  readonly readsTime: boolean;
  /** It read a queue: the same. */
  readonly readsQueue: boolean;
}

export type DecisionReason = 'rule-allows' | 'rule-denies' | 'no-rule-allows' | 'resource-unknown';

export interface DecidingRule {
  readonly index: number;
  readonly name: string;
  readonly file: string;
  readonly line: number;
}
