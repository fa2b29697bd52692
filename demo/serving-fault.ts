/** A refusal of the model server, by TensorFlow Serving's own codes. */
export class ServingFault extends Error {
  override readonly name = 'ServingFault';
  readonly code: ServingCode;

  constructor(code: ServingCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type ServingCode = keyof typeof servingCodes;

/** HTTP status and gRPC status of each code. */
export const servingCodes = {
  INVALID_ARGUMENT: { http: 400, grpc: 3 },
  NOT_FOUND: { http: 404, grpc: 5 },
  RESOURCE_EXHAUSTED: { http: 413, grpc: 8 },
} as const;
