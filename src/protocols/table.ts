import type { ProtocolName } from '../plan/types.ts';
import type { WalkKind } from '../wire/index.ts';
import { grpcServices } from './grpc-services.ts';
import { tensorflowServing } from './tensorflow-serving.ts';
import { tensorflowServingGrpc } from './tensorflow-serving-grpc.ts';

export type Protocol = ProtocolName;

/** One operation of a protocol. */
export interface OperationRow {
  readonly name: string;
  /** What a rule's `to` names. */
  readonly action: string;
  /** Exact; HEAD is not GET. */
  readonly method: string;
  /**
   * `{model}` and `{label}` are a segment's text up to `:`, `{version}` a canonical decimal up to 2⁶³−1, `[…|…]` is one of
   * these or none, and `:verb` may end the last segment. Compared byte for byte.
   */
  readonly path: string;
  /** Variables of `path` that make up the resource. */
  readonly resource: readonly ('model' | 'version')[];
  /** May be sent again after a failure. */
  readonly safe: boolean;
}

/** Every operation of every protocol: the router, the engines' conditions and the docs come from here. */
export const operationTables: Readonly<Record<Protocol, readonly OperationRow[]>> = {
  'tensorflow-serving': tensorflowServing,
  // It has nothing but calls.
  grpc: [],
};

/** How messages of a call are read: walked for the model that they name, or not at all, as they pass (`stream`). */
export type MessageReading = WalkKind | 'stream';

/** One operation of a protocol over gRPC: a POST over HTTP/2 with a content type of `application/grpc`. */
export interface GrpcRow {
  readonly name: string;
  readonly action: string;
  /** The whole path, compared byte for byte. */
  readonly path: string;
  /** What of its message names the model. `none`: the call is made on the service itself, and its resource has no segment. */
  readonly walk: MessageReading;
  readonly safe: boolean;
}

export const grpcTables: Readonly<Record<Protocol, readonly GrpcRow[]>> = {
  'tensorflow-serving': tensorflowServingGrpc,
  grpc: grpcServices,
};

/** Of a service whose methods are its own: the action of each call that no row has. Left out: what no row has is no operation. */
export const callActions: Readonly<Partial<Record<Protocol, string>>> = { grpc: 'call' };

/** What a rule's `to` may name for a service of this protocol, in the tables' order. */
export function knownActions(protocol: Protocol): readonly string[] {
  const own = callActions[protocol];
  const rows = [...operationTables[protocol], ...grpcTables[protocol]].map((row) => row.action);
  return [...new Set(own === undefined ? rows : [own, ...rows])];
}

/**
 * Actions on the service itself, not on anything in it. A rule allows one only where its `to` names it: not by `any`, so that
 * `scoring/**` doesn't give it away by accident.
 */
export function serviceActions(protocol: Protocol): readonly string[] {
  return [...new Set(grpcTables[protocol].filter(isOfService).map((row) => row.action))];
}

/** Whether a row's call is made on the service itself. */
export function isOfService({ walk }: GrpcRow): boolean {
  return walk === 'none' || walk === 'stream';
}

/** Whether it is one of some protocol. */
export function isServiceAction(action: string): boolean {
  return (Object.keys(grpcTables) as Protocol[]).some((protocol) => serviceActions(protocol).includes(action));
}

/** How the message of a gRPC call is to be walked, by its path as the service reads it; undefined: there is no such call. */
export function walkOf(path: string, protocol: Protocol = 'tensorflow-serving'): MessageReading | undefined {
  return grpcTables[protocol].find((row) => row.path === path)?.walk;
}
