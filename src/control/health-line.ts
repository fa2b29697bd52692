import type { Found } from '../traffic/index.ts';

/** The way to one replica that is polled, kept from one check to the next, so that its end tells that the replica went away. */
export interface HealthLine {
  /** `model`: of a service that has models, which is asked for. */
  ask(model: string | undefined): Promise<Found>;
  close(): void;
}

export interface LineOptions {
  /** Host and port. */
  readonly address: string;
  readonly everyMs: number;
  /** How long a check may take. */
  readonly timeoutMs: number;
  /** The connection broke, and it was not we who ended it. */
  readonly onBroken: () => void;
}

export type Failed = Extract<Found, { kind: 'failed' }>;

/** The replica doesn't do as it should, and is there. */
export function failed(why: string): Failed {
  return { kind: 'failed', why, isGone: false };
}

/** What it had may be lost. */
export function gone(why: string): Failed {
  return { kind: 'failed', why, isGone: true };
}

export function late(timeoutMs: number): Failed {
  return failed(`no answer within ${timeoutMs / 1000} s`);
}
