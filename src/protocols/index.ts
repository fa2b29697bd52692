export { hostOf } from './authority.ts';
export { pathFault } from './canonical-path.ts';
export { classify, messageWalk, pathOf, versionedPath } from './classify.ts';
export { grpcContentPattern, isGrpc } from './grpc-content.ts';
export { methodOfPath, type NamedMethod } from './method-path.ts';
export {
  callActions,
  type GrpcRow,
  grpcTables,
  isServiceAction,
  knownActions,
  type MessageReading,
  type OperationRow,
  operationTables,
  type Protocol,
  serviceActions,
  walkOf,
} from './table.ts';
export type { Classified, Operation, RequestLine, Unclassified } from './types.ts';
