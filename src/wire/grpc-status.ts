/** Statuses of gRPC that are spoken of here. */
export const grpcStatuses = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const ofHttp: Readonly<Record<number, number>> = {
  400: grpcStatuses.internal,
  401: grpcStatuses.unauthenticated,
  403: grpcStatuses.permissionDenied,
  404: grpcStatuses.unimplemented,
  429: grpcStatuses.unavailable,
  502: grpcStatuses.unavailable,
  503: grpcStatuses.unavailable,
  504: grpcStatuses.unavailable,
};

/** What an answer stands for that has an HTTP status and no grpc-status. Source: gRPC, "HTTP to gRPC Status Code Mapping". */
export function grpcStatusOfHttp(status: number): number {
  return ofHttp[status] ?? grpcStatuses.unknown;
}

const ofReset: Readonly<Record<number, number>> = {
  7: grpcStatuses.unavailable,
  8: grpcStatuses.cancelled,
  11: grpcStatuses.resourceExhausted,
  12: grpcStatuses.permissionDenied,
};

/** What a reset with this code of HTTP/2 stands for. Source: gRPC over HTTP/2, "Errors". */
export function grpcStatusOfReset(code: number): number {
  return ofReset[code] ?? grpcStatuses.internal;
}
