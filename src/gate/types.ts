import type { JsonWebKey } from 'node:crypto';
import type { DecidingRule } from '../decision/types.ts';
import type { Relayed } from '../identity/index.ts';
import type { Identity, IssuerStatus } from '../identity/types.ts';
import type { Plan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import type { NamedModel } from '../wire/index.ts';
import type { DenialReason } from './denials.ts';
import type { Permit } from './permit.ts';

/** The neutral request: every engine turns what it carries into this, and nothing else reaches the gate. Bodies never do. */
export interface GateRequest {
  /** Id of the request, made by the engine; at most 64 visible ASCII characters. */
  readonly id: string;
  /** Name of the listener. */
  readonly listener: string;
  readonly method: string;
  /** Raw request target in origin form, as received: path and query. Never normalised. */
  readonly target: string;
  /** Raw Host or :authority. */
  readonly authority: string;
  /** Raw fields in order of arrival: name, value, name, value… Names as received. */
  readonly headers: readonly string[];
  /** IP address of the peer, without a port. */
  readonly address: string;
  /**
   * For a gRPC call alone, and for each: what its message names, as walked; empty where the path's row reads nothing of it, or
   * where no row has the path.
   */
  readonly message?: NamedModel;
}

/** The one answer. A Permit is what every dial asks for; only the gate can make one. */
export type GateAnswer = Permit | Denial;

/** A refusal, with what the audit and the client are to learn of it. */
export interface Denial {
  readonly kind: 'denial';
  readonly reason: DenialReason;
  /** For the operator and the audit; never for the client. */
  readonly detail?: string;
  readonly operation?: Operation;
  readonly identity?: Identity;
  /** Who the call is made for, where it isn't the caller. */
  readonly relayed?: Relayed;
  readonly rule?: DecidingRule;
  /** Value of the Allow field where the reason is `method-not-allowed`. */
  readonly allow?: readonly string[];
  /** May be kept by the engine until then; 0: not at all. Milliseconds since the epoch. */
  readonly keepUntilMs: number;
  readonly epoch: string;
}

/** One gate: check() classifies, identifies, decides. It never throws: a fault inside is a denial `gate-fault`. */
export interface Gate {
  readonly plan: Plan;
  check(request: GateRequest): Promise<GateAnswer>;
  /**
   * Whether a call that is open may go on: by the policy, its windows and its revocations as they are now, with the identity of its
   * permit; the credential itself is not needed. `access-ended` or `credential-ended` where it may not. `keepUntilMs` of a permit says
   * when to ask again. `request`: the call's own; left out, what its permit says of it.
   */
  again(permit: Permit, request?: GateRequest): GateAnswer;
  /** Public keys of the identity assertion, as a JWK Set (RFC 7517). */
  jwks(): { readonly keys: readonly JsonWebKey[] };
  /** State of each issuer: when keys were fetched, what failed last. */
  status(): readonly IssuerStatus[];
  close(): Promise<void>;
}

export type { IssuerStatus };
