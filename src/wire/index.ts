export { chosenVersionBytes, tasksWithVersion } from './chosen-version.ts';
export { type DescribedMethod, DescriptorError, type DescriptorSet, readDescriptorSet } from './descriptor-set.ts';
export { grpcStatuses, grpcStatusOfHttp, grpcStatusOfReset } from './grpc-status.ts';
export { grpcTimeoutMs, grpcTimeoutText } from './grpc-timeout.ts';
export { readHeadersBinary } from './hdrs-bin.ts';
export { MessageCount } from './message-count.ts';
export { frameHeadBytes, MessageWalk, type TaskPlace, type WalkFault, type WalkKind } from './message-walk.ts';
export type { NamedModel } from './model-spec.ts';
export type { WalkReason } from './protobuf-fields.ts';
export { type RpcStatus, rpcStatusBytes } from './rpc-status.ts';
export { lengthPrefixed, SpopError, SpopReader, varintBytes } from './spop-bytes.ts';
export { readSpopData, type SpopData, spopDataBytes } from './spop-data.ts';
export {
  readSpopFrame,
  type SpopAction,
  type SpopFrame,
  type SpopList,
  type SpopMessage,
  type SpopScope,
  spopFrameBytes,
} from './spop-frame.ts';
export { SpopSplitter } from './spop-splitter.ts';
