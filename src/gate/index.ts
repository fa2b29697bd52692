export {
  type DenialReason,
  type DenialRow,
  denialRow,
  denials,
  type ProblemAnswer,
  type ProblemOptions,
  problemAnswer,
} from './denials.ts';
export { createGate, type GateOptions, type QueueOf } from './gate.ts';
export {
  errorDomain,
  errorReason,
  type GrpcAnswer,
  grpcAnswer,
  grpcStatusOf,
  statusDetailsHeader,
} from './grpc-answer.ts';
export { faultReason, grpcFault } from './grpc-fault.ts';
export {
  assertionHeader,
  chainHeader,
  forwardedForHeader,
  headerText,
  isRemovedHeader,
  issuerHeader,
  removedHeaderPattern,
  requestIdHeader,
  subjectHeader,
} from './headers.ts';
export { type GateKeys, loadGateKeys, readIdKey } from './keys.ts';
export { createPasses, type Passes, type Redeeming } from './pass.ts';
export type { Permit, PermitFields } from './permit.ts';
export { type RequestFault, requestFault } from './request-faults.ts';
export type { Denial, Gate, GateAnswer, GateRequest, IssuerStatus } from './types.ts';
export { upstreamHeaders } from './upstream-headers.ts';
