/** What a request means. Pure data, equal on every engine. */
export interface Operation {
  readonly service: string;
  readonly protocol: 'tensorflow-serving';
  /** Row of the protocol's table: `predict`, `classify`, `regress`, `status`, `metadata`. */
  readonly name: string;
  /** What a rule's `to` names. */
  readonly action: string;
  /** Segments after the service, as a rule's `at` reads them: `['finance-prod']`. */
  readonly resource: readonly string[];
  readonly model?: string;
  /** Decimal digits, as the caller asked; absent where none was asked for. */
  readonly version?: string;
  /** May be sent again after a failure. */
  readonly safe: boolean;
}

/** Why a request has no operation. Each is a reason of the denial table. */
export type Unclassified =
  | { readonly reason: 'path-not-canonical'; readonly detail: string }
  | { readonly reason: 'route-unknown' }
  | { readonly reason: 'operation-unknown' }
  | { readonly reason: 'method-not-allowed'; readonly allow: readonly string[] };
