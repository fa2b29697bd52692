import type { SpoolParser } from '../audit/types.ts';
import type { Diagnostic } from '../diagnostics/types.ts';
import type { IssuerStatus } from '../gate/types.ts';
import type { AddressPlan, EngineName, Plan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';

/** What one engine is: how it takes up a Plan, and how it runs. */
export interface Engine {
  readonly name: EngineName;
  /** What it does natively, keeps, assists or refuses, feature by feature. The conformance suite checks the claim. */
  readonly capabilities: Readonly<Record<Feature, Capability>>;
  /** What of this Plan it can't do, or lacks a binary for. Never a silent omission. */
  check(plan: Plan): Promise<readonly Diagnostic[]>;
  /** The files of this engine for the Plan: pure. The embedded engine has none. */
  realize(plan: Plan): Realization;
  run(context: EngineContext): Promise<RunningEngine>;
}

export type Feature =
  | 'http1'
  | 'h2c'
  | 'tls'
  /** Unary gRPC, its messages walked. */
  | 'grpc'
  | 'balance-least-in-flight'
  | 'limit-per-caller'
  | 'limit-per-rule'
  /** What is no HTTP is answered by our problem document, not by a page of the proxy's own. */
  | 'problem-for-no-http'
  /** Refuses what HTTP lets a recipient mend: a folded field, the same Host twice, a length beside chunks. */
  | 'refuses-mendable-http'
  | 'epoch-without-reload'
  | 'structure-without-restart';

export type Capability = 'native' | 'cached' | 'assisted' | 'refused';

/** Relative file name → content. */
export interface Realization {
  readonly files: Readonly<Record<string, string>>;
}

export interface EngineContext {
  readonly plan: Plan;
  readonly clock: Clock;
  /** Sentences for the operator's log, one a call. */
  readonly log: (line: string) => void;
}

export interface RunningEngine {
  /** Where each listener really listens (port 0 in the Plan is a free one), by listener name. */
  readonly addresses: Readonly<Record<string, AddressPlan>>;
  /**
   * Takes up a new Plan. Differing only in `access`: a new epoch, no reload, and when it returns no engine process decides
   * by the old one. Differing in structure: reload or new workers, without dropping calls in flight.
   */
  swap(plan: Plan): Promise<void>;
  /** Ends kept decisions of these subject ids (`Identity.id`) everywhere; when it returns, every process has confirmed. */
  revoke(subjectIds: readonly string[]): Promise<void>;
  status(): Promise<EngineStatus>;
  /**
   * Shuts admission (`open` false): from then on every call is answered `audit-unavailable`, until it is opened again. When it
   * returns, every process has confirmed. Control shuts it while a required record can't be kept; where an engine doesn't
   * offer it, control stops the engine instead.
   */
  admit?(open: boolean): Promise<void>;
  /** Reads this engine's spool lines (files `*.spool` in `<state>/spool`). */
  readonly parseSpool: SpoolParser;
  /** Resolves only if the engine fails beyond repair. */
  readonly failed: Promise<Error>;
  /** Stops accepting, drains, ends by itself within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface EngineStatus {
  readonly processes: readonly { readonly role: string; readonly pid: number; readonly epoch: string }[];
  readonly keptDecisions: number;
  readonly endpoints: readonly { readonly service: string; readonly address: string; readonly inFlight: number }[];
  readonly issuers: readonly IssuerStatus[];
}
