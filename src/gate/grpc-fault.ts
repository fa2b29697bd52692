import { rpcStatusBytes } from '../wire/index.ts';
import { errorDomain, statusDetailsHeader } from './grpc-answer.ts';

/** `reason` of the `google.rpc.ErrorInfo`: it is no refusal, so that no denial has it. */
export const faultReason = 'UPSTREAM_NOT_GRPC';

/**
 * How a gRPC call ends that the service behind the gateway has not ended as gRPC has it: name, value… of Trailers-Only, without what
 * a head needs. `sentence` of printable ASCII, without a percent sign.
 */
export function grpcFault(status: number, sentence: string, requestId: string): string[] {
  const message = `${sentence} (${requestId})`;
  const metadata = { request_id: requestId };
  const details = rpcStatusBytes({ code: status, message, reason: faultReason, domain: errorDomain, metadata });
  return ['grpc-status', String(status), 'grpc-message', message, statusDetailsHeader, details.toString('base64')];
}
