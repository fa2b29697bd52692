import { rpcStatusBytes } from '../wire/index.ts';
import { type DenialReason, denialRow, type ProblemOptions } from './denials.ts';

/** HTTP status of a refusal → grpc-status (gRPC's status codes), where the row has none of its own. */
const grpcStatuses: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  408: 4,
  411: 3,
  413: 8,
  414: 3,
  415: 3,
  429: 8,
  431: 8,
  502: 14,
  503: 14,
  504: 4,
};

/** grpc-status of a refusal. */
export function grpcStatusOf(reason: DenialReason): number {
  const { status, grpcStatus } = denialRow(reason);
  return grpcStatus ?? grpcStatuses[status] ?? 2;
}

/** The whole answer to a refused gRPC call: Trailers-Only, so that it has no body. Equal on every engine but for the id. */
export interface GrpcAnswer {
  readonly status: 200;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Where a client's library looks for a `google.rpc.Status`. */
export const statusDetailsHeader = 'grpc-status-details-bin';

/** Who the reasons belong to: `domain` of `google.rpc.ErrorInfo`. */
export const errorDomain = 'headgate';

/** `rule-denies` → `RULE_DENIES`: `reason` of `google.rpc.ErrorInfo`. */
export function errorReason(reason: DenialReason): string {
  return reason.toUpperCase().replaceAll('-', '_');
}

/**
 * What `problemAnswer` is for a gRPC call. `requestId` goes into the message as given: engines that print templates pass their
 * own placeholder. Source: gRPC over HTTP/2, "Responses".
 */
export function grpcAnswer(reason: DenialReason, requestId: string, options: ProblemOptions = {}): GrpcAnswer {
  const row = denialRow(reason);
  const retryAfterSeconds = options.retryAfterSeconds ?? row.retryAfterSeconds;
  const code = grpcStatusOf(reason);
  const details = rpcStatusBytes({
    code,
    message: `${row.sentence} (${requestId})`,
    reason: errorReason(reason),
    domain: errorDomain,
    metadata: { request_id: requestId },
    retryAfterSeconds,
  });
  const headers: [string, string][] = [
    ['content-type', 'application/grpc'],
    ['grpc-status', String(code)],
    ['grpc-message', `${grpcMessage(row.sentence)} (${requestId})`],
    [statusDetailsHeader, details.toString('base64')],
  ];
  if (reason === 'message-compressed') headers.push(['grpc-accept-encoding', 'identity']);
  if (retryAfterSeconds !== undefined) headers.push(['retry-after', String(retryAfterSeconds)]);
  if (options.rateLimitPolicy !== undefined) headers.push(['ratelimit-policy', options.rateLimitPolicy]);
  return { status: 200, headers };
}

/** Percent-encoding of gRPC: everything but printable ASCII, and the percent sign. */
function grpcMessage(sentence: string): string {
  return sentence.replace(/[^ -$&-~]/gu, (character) => encodeURIComponent(character));
}
