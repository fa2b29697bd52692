import type { DecidingRule } from '../decision/types.ts';
import type { Relayed } from '../identity/index.ts';
import type { Identity } from '../identity/types.ts';
import type { LimitPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import type { GateRequest } from './types.ts';

export interface PermitFields {
  readonly operation: Operation;
  /** Absent for a caller who is not known, and in a permit that came by a pass. */
  readonly identity: Identity | undefined;
  /** Who the call is made for, where it isn't the caller: the assertion is theirs, the caller its newest actor. */
  readonly relayed?: Relayed;
  /** `Identity.id`, of a call that is made for another with who that is; undefined: not known. */
  readonly callerId: string | undefined;
  readonly rule: DecidingRule;
  /** All must pass before the dial. */
  readonly limits: readonly LimitPlan[];
  /** Path that the upstream gets (a route's prefix stripped, the version's number put in); the query is kept as it came. */
  readonly upstreamPath: string;
  /**
   * Number that has to be written into a message, because what the caller sent doesn't name it: chosen by label or by share.
   * Absent: a message stays as it is. A path says it already.
   */
  readonly version?: string;
  /** Signed identity assertion for this caller and service; absent for a caller who is not known. */
  readonly assertion: string | undefined;
  /** May be kept by the engine until then: before the credential, the assertion and any condition end. Ms since the epoch. */
  readonly keepUntilMs: number;
  readonly epoch: string;
  /**
   * Of a gRPC call, which may be open for long: what the decision can hang on, so that it can be made again. It is the same for all
   * calls that a kept permit answers.
   */
  readonly asked?: GateRequest;
}

const seal = Symbol('permit');

/** Authorisation as a value that must be held: every dial of an upstream asks for one. Made by the gate alone. */
export class Permit {
  readonly kind = 'permit';
  readonly fields: PermitFields;

  constructor(key: typeof seal, fields: PermitFields) {
    if (key !== seal) throw new TypeError('a Permit is made by the gate alone');
    this.fields = fields;
  }
}

/** INVARIANT: called from `gate/` only; `test/tidy.test.ts` holds that true. */
export function issuePermit(fields: PermitFields): Permit {
  return new Permit(seal, Object.freeze(fields));
}
