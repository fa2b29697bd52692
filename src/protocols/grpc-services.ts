import type { GrpcRow } from './table.ts';

/**
 * What any gRPC service may offer beside its own methods. Each is done to the service itself, so that a rule has to name it: who may
 * call everything may not by that read what there is (https://github.com/grpc/grpc-proto, grpc.reflection and grpc.health).
 */
export const grpcServices: readonly GrpcRow[] = [
  row('reflect', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'),
  row('reflect', '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'),
  row('health', '/grpc.health.v1.Health/Check'),
  row('health', '/grpc.health.v1.Health/List'),
  row('health', '/grpc.health.v1.Health/Watch'),
];

/** They read, and may be sent again. */
function row(action: string, path: string): GrpcRow {
  return { name: action, action, path, walk: 'stream', safe: true };
}
