import assert from 'node:assert/strict';
import { join } from 'node:path';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import type { GrpcEnd } from './grpc-client.ts';

const read = loadSync('rpc-status.proto', {
  keepCase: true,
  longs: Number,
  includeDirs: [join(import.meta.dirname, 'proto')],
})['google.rpc.Read'] as ServiceDefinition;

/** What a client learns of a refusal by the library of its language. */
export interface ReadStatus {
  readonly code: number;
  readonly message: string;
  readonly info: { readonly reason: string; readonly domain: string; readonly metadata: Record<string, string> };
  /** Of the `RetryInfo`, if there is one. */
  readonly retryAfterSeconds?: number;
}

/** The value of `grpc-status-details-bin`, by a real protobuf parser. Throws where it holds anything else than one `ErrorInfo` and one `RetryInfo`. */
export function readStatus(base64: string): ReadStatus {
  const { Statuses, Infos } = read;
  if (Statuses === undefined || Infos === undefined) throw new Error('the messages are not there');
  const { code, message, details } = Statuses.requestDeserialize(Buffer.from(base64, 'base64')) as {
    readonly code: number;
    readonly message: string;
    readonly details: readonly { readonly type_url: string; readonly value: Buffer }[];
  };
  const [info, retry, ...more] = details;
  if (info?.type_url !== 'type.googleapis.com/google.rpc.ErrorInfo' || more.length > 0) throw new Error('odd details');
  const status = { code, message, info: Infos.requestDeserialize(info.value) as ReadStatus['info'] };
  if (retry === undefined) return status;
  if (retry.type_url !== 'type.googleapis.com/google.rpc.RetryInfo') throw new Error('odd details');
  const delay = Infos.responseDeserialize(retry.value) as { readonly retry_delay: { readonly seconds: number } };
  return { ...status, retryAfterSeconds: delay.retry_delay.seconds };
}

/** The reason of a refusal, once everything that its details say is what its fields say. */
export function reasonTold({ headers }: Pick<GrpcEnd, 'headers'>): string {
  const { code, message, info, retryAfterSeconds } = readStatus(String(headers['grpc-status-details-bin']));
  const again = headers['retry-after'];
  assert.deepEqual([String(code), message], [headers['grpc-status'], headers['grpc-message']]);
  assert.equal(retryAfterSeconds, again === undefined ? undefined : Number(again));
  assert.deepEqual([info.domain, info.metadata], ['headgate', { request_id: headers['x-headgate-request-id'] }]);
  return info.reason;
}
