export { hostOf } from './authority.ts';
export { pathFault } from './canonical-path.ts';
export { classify, messageWalk, pathOf } from './classify.ts';
export { grpcContentPattern, isGrpc } from './grpc-content.ts';
export {
  type GrpcRow,
  grpcTables,
  isServiceAction,
  knownActions,
  type OperationRow,
  operationTables,
  type Protocol,
  serviceActions,
  walkOf,
} from './table.ts';
export type { Classified, Operation, RequestLine, Unclassified } from './types.ts';
