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
  header(name: string): string | undefined;
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
}

export type DecisionReason = 'rule-allows' | 'rule-denies' | 'no-rule-allows' | 'resource-unknown';

export interface DecidingRule {
  readonly index: number;
  readonly name: string;
  readonly file: string;
  readonly line: number;
}
