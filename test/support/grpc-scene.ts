import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openTls, type TestTls } from './certificate.ts';
import { type GrpcCallOptions, type GrpcEnd, RawGrpc } from './grpc-client.ts';
import type { GrpcUpstream } from './grpc-upstream.ts';
import { bytesField, frame, modelName, modelSpec } from './protobuf-bytes.ts';

export const predictPath = '/tensorflow.serving.PredictionService/Predict';
export const spec = modelSpec(modelName('m'));

/** A prediction by `m`, with an input of this size. */
export function message(bytes: number): Buffer {
  return Buffer.concat([spec, bytesField(2, randomBytes(bytes))]);
}

type Fields = Readonly<Record<string, string>>;

/** A connection on which predictions are asked for. */
export interface Caller {
  readonly client: RawGrpc;
  /** Sends a message whole. */
  call(made: Buffer, fields?: Fields): Promise<GrpcEnd>;
  /** Sends what is no message, or in pieces. */
  send(options: GrpcCallOptions): Promise<GrpcEnd>;
}

export interface CallerOptions {
  /** What every call carries. */
  readonly fields?: Fields;
  /** Over TLS, by this authority. */
  readonly ca?: string;
}

export function openCaller(
  opened: AsyncDisposableStack,
  port: number,
  { fields = {}, ca }: CallerOptions = {},
): Caller {
  const client =
    ca === undefined ? new RawGrpc(`http://127.0.0.1:${port}`) : new RawGrpc(`https://localhost:${port}`, { ca });
  opened.use(client);
  const send = ({ headers, ...options }: GrpcCallOptions): Promise<GrpcEnd> =>
    client.call(predictPath, { ...options, headers: { ...fields, ...headers } });
  return { client, send, call: (made, headers = {}) => send({ chunks: [frame(made)], headers }) };
}

/** Tests of what every engine lets through alike. */
export function testPassing(upstream: GrpcUpstream, { call, send }: Caller): void {
  test('messages of every size arrive as they were, in pieces or not', async () => {
    for (const bytes of [0, 10_000, 28_600, 65_600, 300_000, 5_000_000]) {
      const made = message(bytes);
      const body = frame(made);
      for (const size of [body.length, 9000]) {
        const chunks: Buffer[] = [];
        for (let at = 0; at < body.length; at += size) chunks.push(body.subarray(at, at + size));
        const end = await send({ chunks });
        assert.equal(end.grpcStatus, '0', `${bytes} bytes`);
        assert.ok(upstream.ran.at(-1)?.message.equals(made), `${bytes} bytes`);
      }
    }
  });

  test('large answers go through', async () => {
    const end = await call(message(10), { 'x-answer': 'large:5000000' });
    assert.deepEqual([end.body.length, end.grpcStatus], [5_000_005, '0']);
  });

  test('Trailers-Only, a status of the service, and what is no gRPC pass as they are', async () => {
    const only = await call(message(1), { 'x-answer': 'trailers-only' });
    assert.deepEqual([only.status, only.grpcStatus, only.isTrailersOnly], [200, '5', true]);
    const failed = await call(message(1), { 'x-answer': 'status:9' });
    assert.deepEqual([failed.grpcStatus, failed.body.length], ['9', 7]);
    const http = await call(message(1), { 'x-answer': 'http:503' });
    assert.deepEqual([http.status, http.body.toString(), http.grpcStatus], [503, 'not gRPC', undefined]);
  });
}

/** How an engine is started before the same replica on a listener with TLS: its port, and what every call carries. */
export type StartTls = (
  opened: AsyncDisposableStack,
  files: TestTls['files'],
) => Promise<{ readonly port: number; readonly fields?: Fields }>;

export function testTls(upstream: GrpcUpstream, start: StartTls): void {
  test('over TLS as well', async () => {
    await using opened = new AsyncDisposableStack();
    const { files, ca } = openTls(opened);
    const { port, fields = {} } = await start(opened, files);
    const { call } = openCaller(opened, port, { fields, ca });
    for (const bytes of [10, 200_000]) {
      const made = message(bytes);
      assert.equal((await call(made)).grpcStatus, '0');
      assert.ok(upstream.ran.at(-1)?.message.equals(made));
    }
  });
}
