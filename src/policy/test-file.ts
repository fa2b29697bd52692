import type { Span } from '../diagnostics/types.ts';
import type { Located } from './types.ts';

/** What `headgate.test.yaml` holds, read and checked for form. */
export interface PolicyTests {
  readonly file: string;
  readonly tests: readonly PolicyTest[];
}

/** Each combination of action, resource and environment is a case; the test passes where all of them do. */
export interface PolicyTest {
  readonly span: Span;
  readonly name: Located<string>;
  readonly who: 'anonymous' | TestCaller;
  /** Who the call is made for; undefined: the caller itself. */
  readonly origin?: TestCaller;
  readonly to: readonly Located<string>[];
  readonly at: readonly Located<string>[];
  readonly in: readonly Located<string>[];
  /** What the call asks for; at most one of both. */
  readonly version?: Located<number>;
  readonly label?: Located<string>;
  /** Name of a listener. */
  readonly via?: Located<string>;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly address?: string;
  /** Milliseconds since the epoch. */
  readonly timeMs?: number;
  readonly queue?: { readonly waiting: number; readonly inFlight: number };
  readonly expect: Expectation;
}

/** A person, or a machine where there is a client. */
export interface TestCaller {
  readonly identity: Located<string>;
  readonly subject?: Located<string>;
  readonly client?: Located<string>;
  /** Name of an API key. */
  readonly keyName?: Located<string>;
  readonly groups: readonly Located<string>[];
}

/** `version`: its name or its number; undefined: whichever. */
export type Expectation = { readonly version?: Located<string | number> } & (
  | { readonly kind: 'allowed'; readonly rule: Located<string> }
  | { readonly kind: 'denied-by'; readonly rule: Located<string> }
  | { readonly kind: 'denied'; readonly reason?: 'rule-denies' | 'no-rule-allows' | 'version-unknown' }
);
