/** Who a call is made for: the caller whom the first gateway of a chain has known by a credential. */
export interface Origin {
  /** Name of the identity in the first gateway's policy. */
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly client?: string;
  /** As the newest assertion has them; `false`: there are more. */
  readonly groups: readonly string[];
  readonly hasAllGroups: boolean;
}

/** A service that has called on, as the gateway that it called by knew it. */
export interface Actor {
  /** Issuer of that gateway's assertions. */
  readonly gateway: string;
  /** Its `Identity.id` there. */
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  /** The service that it called on as: the audience of the assertion that it presented. */
  readonly service: string;
}

/** A chain of assertions, each of them verified. */
export interface Relayed {
  readonly origin: Origin;
  /** Services that have called on before the one that does now, the first first. */
  readonly actors: readonly Actor[];
  /** The one that calls on now: the newest assertion was made for it. */
  readonly service: string;
  /** Where the chain has been: services, each behind a gateway, the first first. */
  readonly hops: readonly { readonly gateway: string; readonly service: string }[];
  /** The assertions, the oldest first. */
  readonly texts: readonly string[];
  /** Hash of the newest, by which a later one names it: `assertionHash()`. */
  readonly hash: string;
  /** When the first of them ends. Milliseconds since the epoch. */
  readonly endsAtMs: number;
}

/** Why an assertion that a caller presents is not accepted. Each is a reason of the denial table. */
export type RelayFaultReason =
  | 'assertion-ambiguous'
  | 'assertion-malformed'
  | 'assertion-issuer'
  | 'assertion-signature'
  | 'assertion-expired'
  | 'assertion-audience'
  | 'assertion-presenter'
  | 'chain-broken'
  | 'chain-loop'
  | 'chain-too-long'
  | 'identity-unavailable';

/** `detail` is for the operator and never holds text of the assertion. */
export interface RelayFault {
  readonly kind: 'fault';
  readonly fault: RelayFaultReason;
  readonly detail: string;
}

export function relayFault(reason: RelayFaultReason, detail: string): RelayFault {
  return { kind: 'fault', fault: reason, detail };
}
