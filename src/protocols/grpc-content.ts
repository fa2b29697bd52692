/** Content types of gRPC (gRPC over HTTP/2, "Content-Type"). HAProxy's realization matches the same. */
export const grpcContentPattern = '^application/grpc($|[+;])';
const grpcContent = new RegExp(grpcContentPattern);

/** Whether a request is a gRPC call: a POST over HTTP/2 with such a content type. Nothing else is, whatever its path. */
export function isGrpc(method: string, contentType: string | undefined): boolean {
  return method === 'POST' && contentType !== undefined && grpcContent.test(contentType);
}
