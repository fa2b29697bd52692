export { hostOf } from './authority.ts';
export { pathFault } from './canonical-path.ts';
export { classify, pathOf, versionedPath } from './classify.ts';
export { knownActions, type OperationRow, operationTables, type Protocol } from './table.ts';
export type { Classified, Operation, RequestLine, Unclassified } from './types.ts';
