import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { block, frame, request } from '../../src/http2/testing/frames.ts';
import { type RawAnswer, RawCalls } from '../../src/http2/testing/raw-calls.ts';
import { send } from '../conformance/harness/client.ts';
import { present } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { frame as message } from '../support/protobuf-bytes.ts';
import { callFields, type RawFields } from './harness/raw-call.ts';
import { servicePath } from './harness/streams-server.ts';
import { openStreams, type StreamsStage } from './harness/streams-stage.ts';

/** What no library sends, in frames, through every engine: the right answer, and nothing of it at the service. */
const hello = message(Buffer.from('hello'));
/** RESOURCE_EXHAUSTED */
const tooLarge = '8';
const protocolError = 1;
const streamClosed = 5;

for (const engine of present) describe(`calls that no library makes on ${engine}`, () => suite(engine));

function suite(engine: (typeof present)[number]): void {
  const opened = openedHere();
  let stage: StreamsStage;

  before(async () => {
    stage = await openStreams(opened, engine);
  });

  const answerTo = (head: RawFields, ...body: readonly Buffer[]): Promise<RawAnswer> =>
    answerFrom(stage.gateway.port, head, body);
  const statusOf = ({ heads }: RawAnswer): string =>
    heads.findLast((head) => 'grpc-status' in head)?.['grpc-status'] ?? '';
  const fields = (more: Record<string, string> = {}, method = 'Unary'): RawFields =>
    callFields(stage.key, method, more);

  test('an honest one passes', async () => {
    const answer = await answerTo(fields(), hello);
    assert.equal(statusOf(answer), '0', JSON.stringify(answer));
  });

  test('messages that are no frames of gRPC end as the service ends them', async () => {
    const bad: readonly Buffer[][] = [
      [Buffer.of(2), hello.subarray(1)],
      [hello.subarray(0, 3)],
      [hello.subarray(0, -1)],
      [Buffer.concat([hello, Buffer.of(0, 0)])],
      [message(Buffer.from('hello'), 1)],
    ];
    const large: readonly Buffer[][] = [
      [Buffer.of(0, 255, 255, 255, 255), Buffer.alloc(100)],
      [Buffer.alloc(16_000, 255)],
    ];
    const endOf = (answer: RawAnswer): string => (answer.reset === undefined ? statusOf(answer) : 'reset');
    for (const method of ['Unary', 'Upload'])
      for (const [at, body] of [...bad, ...large].entries()) {
        const through = await answerTo(fields({}, method), ...body);
        const direct = await answerFrom(stage.server.port, fields({}, method), body);
        // The embedded engine looks at the length that a message says it has; HAProxy leaves that to the service.
        const isRefused = engine === 'embedded' && at >= bad.length;
        const wanted = isRefused ? tooLarge : endOf(direct);
        assert.equal(endOf(through), wanted, `${method} ${at}: ${JSON.stringify([through, direct])}`);
      }
  });

  test('a message that promises more than the bound ends at its head, where the engine reads that', async () => {
    for (const body of [[Buffer.of(0, 255, 255, 255, 255), Buffer.alloc(100)], [Buffer.alloc(16_000, 255)]]) {
      const through = await answerTo(fields({}, 'Upload'), ...body);
      const direct = await answerFrom(stage.server.port, fields({}, 'Upload'), body);
      assert.equal(statusOf(through), engine === 'embedded' ? '8' : statusOf(direct), JSON.stringify(through));
    }
  });

  test('what is no call of gRPC is answered 415 with a problem', async () => {
    for (const type of ['application/json', 'application/grpcx', 'text/plain', '']) {
      const answer = await answerTo(fields({ 'content-type': type }), hello);
      assert.deepEqual(
        [answer.heads[0]?.[':status'], answer.heads[0]?.['content-type']],
        ['415', 'application/problem+json'],
        type,
      );
    }
    const answer = await answerTo(fields({ ':method': 'GET' }));
    assert.equal(answer.heads[0]?.[':status'], '415', JSON.stringify(answer));
    const headers = ['host', 'a', 'content-type', 'application/grpc', 'authorization', String(stage.key.authorization)];
    const { status } = await send({
      port: stage.gateway.port,
      method: 'POST',
      target: `/${servicePath}/Unary`,
      headers,
      body: '',
    });
    assert.equal(status, 415);
  });

  test('a call without te passes: what a proxy before us took away does not matter to the service', async () => {
    assert.equal(statusOf(await answerTo(fields({ te: '' }), hello)), '0');
  });

  test('heads that are too large are refused by a status up to some size, and by a reset beyond', async () => {
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, 'a']));
    for (const head of [fields({ 'x-large': 'a'.repeat(13_000) }), fields(many)]) {
      const answer = await answerTo(head, hello);
      assert.equal(statusOf(answer), tooLarge, JSON.stringify(answer));
    }
    using raw = await RawCalls.open(stage.gateway.port);
    const large = block([...fields({ 'x-large': 'a'.repeat(200_000) })] as [string, string][]);
    raw.send(frame(1, 0, 1, large.subarray(0, 16_000)));
    for (let at = 16_000; at < large.length; at += 16_000)
      raw.send(frame(9, at + 16_000 < large.length ? 0 : 4, 1, large.subarray(at, at + 16_000)));
    const { reset, heads } = await raw.answerOf(1);
    assert.ok([reset, raw.goaway].some((code) => code !== undefined) || heads.length > 0 || raw.isClosed);
    assert.ok(![reset, raw.goaway].includes(0));
  });

  test('data after the end of a stream is an error of that stream or connection', async () => {
    using raw = await RawCalls.open(stage.gateway.port);
    const before = stage.server.calls.length;
    raw.send(
      request(1, { isEnd: true, fields: [...fields({ 'x-hold': 'silent' })] as [string, string][] }),
      frame(0, 1, 1, hello),
    );
    const { reset } = await raw.answerOf(1);
    assert.ok(
      [reset, raw.goaway].some((code) => code === streamClosed || code === protocolError),
      `${reset} ${raw.goaway}`,
    );
    assert.ok(stage.server.calls.slice(before).every(({ messages }) => messages === 0));
  });

  test('trailers of a request are refused, or go no further', async () => {
    const bad: RawFields[] = [[[':path', '/elsewhere']], [['x-headgate-subject', 'root']], [['grpc-timeout', '1n']]];
    for (const trailers of bad) {
      using raw = await RawCalls.open(stage.gateway.port);
      raw.send(request(1, { isEnd: false, fields: [...fields()] as [string, string][] }));
      raw.send(frame(0, 0, 1, hello), frame(1, 5, 1, block([...trailers] as [string, string][])));
      const answer = await raw.answerOf(1);
      const isRefused = answer.reset !== undefined || raw.goaway !== undefined || statusOf(answer) !== '0';
      const { metadata } = stage.server.calls.at(-1) ?? assert.fail('no call');
      assert.deepEqual(metadata.get('x-headgate-subject'), ['caller']);
      assert.ok(isRefused || trailers[0]?.[0] !== ':path', JSON.stringify(answer));
    }
  });

  test('a deadline counts although the client does not look at it, and a malformed one is refused', async () => {
    const answer = await answerTo(fields({ 'grpc-timeout': '300m', 'x-hold': 'silent' }), hello);
    assert.equal(statusOf(answer), '4', JSON.stringify(answer));
    for (const text of ['1', 'm', '-1S', '1.5S', '123456789S', '1s'])
      assert.equal(statusOf(await answerTo(fields({ 'grpc-timeout': text }), hello)), '3', text);
  });
}

/** The answer to one call on a connection of its own. */
async function answerFrom(port: number, fields: RawFields, body: readonly Buffer[]): Promise<RawAnswer> {
  using raw = await RawCalls.open(port);
  const last = body.length - 1;
  raw.send(request(1, { isEnd: last < 0, fields: [...fields] as [string, string][] }));
  for (const [at, bytes] of body.entries()) raw.send(frame(0, at === last ? 1 : 0, 1, bytes));
  return { ...(await raw.answerOf(1)) };
}
