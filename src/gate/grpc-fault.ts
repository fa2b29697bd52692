import { rpcStatusBytes } from '../wire/index.ts';
import { errorDomain, errorReason, statusDetailsHeader } from './grpc-answer.ts';

/**
 * How a gRPC call ends that the service behind the gateway has not ended as gRPC has it: name, value… of Trailers-Only, without what
 * a head needs. `sentence` of printable ASCII, without a percent sign.
 */
export function grpcFault(code: number, sentence: string, requestId: string): string[] {
  const message = `${sentence} (${requestId})`;
  const reason = errorReason('upstream-malformed');
  const details = rpcStatusBytes({ code, message, reason, domain: errorDomain, metadata: { request_id: requestId } });
  return ['grpc-status', String(code), 'grpc-message', message, statusDetailsHeader, details.toString('base64')];
}
