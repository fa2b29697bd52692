/**
 * How a gRPC call ends that the service behind the gateway has not ended as gRPC has it: name, value… of Trailers-Only, without what
 * a head needs. `sentence` of printable ASCII, without a percent sign.
 */
export function grpcFault(status: number, sentence: string, requestId: string): string[] {
  return ['grpc-status', String(status), 'grpc-message', `${sentence} (${requestId})`];
}
