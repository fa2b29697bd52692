import type { DecisionReason, RuleExplanation } from '../decision/index.ts';
import type { DecidingRule } from '../decision/types.ts';
import type { Expectation, PolicyTest } from '../policy/index.ts';

/** What came of every test. */
export interface TestRun {
  readonly file: string;
  readonly tests: readonly TriedTest[];
  /** Every rule of the policy, also those that hold in none of the environments that were asked about; in file order. */
  readonly rules: readonly KnownRule[];
}

export interface KnownRule {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface TriedTest {
  readonly test: PolicyTest;
  /** At least one. */
  readonly cases: readonly TriedCase[];
  readonly passed: boolean;
}

/** One call of a test, and what the decider said to it. */
export interface TriedCase {
  readonly action: string;
  /** `scoring/finance-prod` */
  readonly at: string;
  readonly environment: string;
  readonly expected: Expectation;
  readonly outcome: 'allow' | 'deny';
  readonly reason: DecisionReason | 'version-unknown';
  /** What would run: number and name. A call that asks for none is a case for each version that some caller would get. */
  readonly version?: string;
  readonly versionName?: string;
  readonly rule?: DecidingRule;
  readonly passed: boolean;
  /** The answer hangs on the clock and the test gives no time: it fails, whatever came. */
  readonly needsTime: boolean;
  /** The same of a queue. */
  readonly needsQueue: boolean;
  /** Of a case that failed: every rule with what it lacks, in file order. */
  readonly explained: readonly RuleExplanation[];
}
