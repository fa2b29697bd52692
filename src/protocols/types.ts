import type { MethodPlan, ProtocolName } from '../plan/types.ts';
import type { NamedModel } from '../wire/index.ts';

/** What a request means. Pure data, equal on every engine. */
export interface Operation {
  readonly service: string;
  readonly protocol: ProtocolName;
  /**
   * Row of the protocol's tables: `predict`, `classify`, `regress`, `status`, `metadata`, `multi-inference`, `reload-config`;
   * `reflect`, `health`; `call` for a method of a gRPC service's own.
   */
  readonly name: string;
  /** What a rule's `to` names. */
  readonly action: string;
  /** Came as a gRPC call. */
  readonly grpc?: true;
  /** Segments after the service, as a rule's `at` reads them: `['finance-prod']`, `['acme.orders.v1.Orders', 'Get']`. None: the service itself. */
  readonly resource: readonly string[];
  readonly model?: string;
  /** Decimal digits: as the caller asked, and once it is resolved the number that will run. Absent where nobody chose one. */
  readonly version?: string;
  /** As the caller asked: Headgate resolves it to a number. Never there beside a version that was asked for. */
  readonly label?: string;
  /** The policy's name of `version`; absent where the number is bound to none. */
  readonly versionName?: string;
  /** How `version` came about, once it is resolved: asked for by number or by label, or chosen by the shares of callers. */
  readonly versionBy?: 'number' | 'label' | 'share';
  /** Who sends a stream of messages in place of one, where that is known of a gRPC method. */
  readonly streaming?: NonNullable<MethodPlan['streaming']>;
  /** May be sent again after a failure, and coalesced. Never where the model keeps a sequence. */
  readonly safe: boolean;
}

/** Why a request has no operation. Each is a reason of the denial table. */
export type Unclassified =
  | { readonly reason: 'request-malformed'; readonly detail: string }
  | { readonly reason: 'path-not-canonical'; readonly detail: string }
  | { readonly reason: 'message-malformed'; readonly detail: string }
  | { readonly reason: 'route-unknown' }
  | { readonly reason: 'operation-unknown' }
  | { readonly reason: 'not-grpc' }
  | { readonly reason: 'method-unknown' }
  | { readonly reason: 'method-not-allowed'; readonly allow: readonly string[] };

/** What of a request classification reads; `GateRequest` has it all. */
export interface RequestLine {
  /** Name of the listener. */
  readonly listener: string;
  readonly method: string;
  /** Raw request target in origin form. The query is never read. */
  readonly target: string;
  /** Raw Host or :authority. */
  readonly authority: string;
  /**
   * What the walked message of a gRPC call names: there for every gRPC call, and only for those; empty where its row reads
   * nothing of the message, or where there is no such row.
   */
  readonly message?: NamedModel;
}

/** A request that means something, and the path that the upstream gets. */
export interface Classified {
  readonly operation: Operation;
  /** A route's prefix stripped where it says so; without the query, which is kept as it came. */
  readonly upstreamPath: string;
  /** Where in `upstreamPath` the version or the label stands (`/versions/3`), or would; absent where no path can hold one. */
  readonly versionAt?: { readonly start: number; readonly end: number };
}
