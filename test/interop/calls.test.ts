import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { eventually } from '../conformance/harness/gateway.ts';
import { present } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { type Ended, JsClient } from './harness/js-client.ts';
import { kinds } from './harness/streams-server.ts';
import { openStreams, type StreamsStage, untilServed } from './harness/streams-stage.ts';

/** Calls of all four kinds by grpc-js and grpcio, through every engine: what goes with them, and how they end. */
const binary = Buffer.of(0, 1, 127, 128, 255);
const text = binary.toString('base64');
const largeBytes = 6_000_000;
/** Both sides of the bound of a head, with room for what every call carries. */
const nearBytes = 9000;
const overBytes = 13_000;

/** HAProxy before 3.2 follows its own status with a reset, which grpcio may take for the status (docs/grpc.md). */
const deadlineCodes: Readonly<Record<(typeof present)[number], readonly string[]>> = {
  embedded: ['DEADLINE_EXCEEDED'],
  haproxy: ['DEADLINE_EXCEEDED', 'CANCELLED'],
};

for (const engine of present) describe(`calls of grpc-js and grpcio on ${engine}`, () => suite(engine));

function suite(engine: (typeof present)[number]): void {
  const opened = openedHere();
  let stage: StreamsStage;

  before(async () => {
    stage = await openStreams(opened, engine);
  });

  test('metadata, binary and repeated, goes both ways as it is, and the service learns who calls', async () => {
    for (const kind of kinds) {
      const call = stage.js.call(kind, {
        fields: { 'x-echo-many': ['a', 'b', 'c'], 'x-echo-b-bin': [binary, binary] },
      });
      call.write(Buffer.from('one'));
      call.end();
      const ended = await call.ended;
      assert.equal(ended.code, status.OK, `${kind}: ${ended.details}`);
      for (const found of [ended.initial, ended.trailing]) {
        assert.deepEqual(found?.get('x-echo-many').join(', '), 'a, b, c', kind);
        assert.deepEqual(found?.get('x-echo-b-bin'), [binary, binary], kind);
      }
      const { metadata } = await untilServed(stage.server, kind, ({ state }) => state === 'ended');
      assert.deepEqual(metadata.get('x-headgate-subject'), ['caller']);
      assert.deepEqual(metadata.get('authorization'), []);
      const fields = [
        ['x-echo-a', '1'],
        ['x-echo-b-bin', text],
      ] as const;
      const python = await stage.python.call(stage.gateway.port, stage.pythonKey, { kind, fields });
      assert.equal(python.code, 'OK', `${kind}: ${python.details}`);
      for (const found of [python.initial, python.trailing])
        assert.deepEqual(
          found.filter(([name]) => name.startsWith('x-echo')),
          fields,
          kind,
        );
    }
  });

  test('a status with its message and details comes as the service sent it', async () => {
    const fields = { 'x-status': '9', 'x-details-bin': binary };
    for (const kind of kinds) {
      const call = stage.js.call(kind, { fields });
      call.end();
      const { code, details, trailing } = await call.ended;
      assert.deepEqual([code, details], [9, 'as asked: ☺'], kind);
      assert.deepEqual(trailing.get('grpc-status-details-bin'), [binary], kind);
      const asked = {
        kind,
        fields: [
          ['x-status', '9'],
          ['x-details-bin', text],
        ],
      } as const;
      const python = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
      assert.deepEqual([python.code, python.details], ['FAILED_PRECONDITION', 'as asked: ☺'], kind);
      assert.deepEqual(python.trailing.find(([name]) => name === 'grpc-status-details-bin')?.[1], text, kind);
    }
  });

  test('a deadline reaches the service, and ends the call on both sides', async () => {
    for (const kind of kinds) {
      const beganMs = Date.now();
      const call = stage.js.call(kind, { fields: { 'x-hold': 'silent' }, timeoutMs: 600 });
      if (kind === 'Upload') call.write(Buffer.from('one'));
      const { deadlineMs } = await untilServed(stage.server, kind, ({ state }) => state === 'open');
      // Rounded up to a whole unit, and less what was gone when it was passed on.
      assert.ok(
        deadlineMs !== undefined && deadlineMs > beganMs && deadlineMs < Date.now() + 610,
        `${kind}: ${deadlineMs}`,
      );
      assert.equal((await call.ended).code, status.DEADLINE_EXCEEDED, kind);
      await untilServed(stage.server, kind, ({ state }) => state === 'cancelled');
      const asked = { kind, fields: [['x-hold', 'silent']], timeoutMs: 400, holdMs: 1000 } as const;
      const python = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
      assert.ok(deadlineCodes[engine].includes(python.code), `${kind}: ${python.code}`);
      await untilServed(stage.server, kind, ({ state }) => state === 'cancelled');
    }
  });

  test('a call that is left is left at the service, before and after its first message', async () => {
    for (const kind of kinds)
      for (const hold of ['silent', 'first']) {
        const call = stage.js.call(kind, { fields: { 'x-hold': hold } });
        call.write(Buffer.from('one'));
        const { messages } = await untilServed(stage.server, kind, (it) => it.state === 'open' && it.messages > 0);
        assert.equal(messages, 1);
        call.cancel();
        assert.equal((await call.ended).code, status.CANCELLED);
        await untilServed(stage.server, kind, ({ state }) => state === 'cancelled');
        const asked = { kind, fields: [['x-hold', hold]], cancelMs: 200, holdMs: 500 } as const;
        const python = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
        assert.equal(python.code, 'CANCELLED', `${kind} ${hold}`);
        await untilServed(stage.server, kind, ({ state }) => state === 'cancelled');
      }
  });

  test('metadata near the bound passes both ways; over it the call is refused, and the connection is not', async () => {
    const near = { 'x-echo-large': 'a'.repeat(nearBytes) };
    const over = { 'x-echo-large': 'a'.repeat(overBytes) };
    const ask = async (fields: Record<string, string>): Promise<Ended> => {
      const call = stage.js.call('Unary', { fields });
      return call.ended;
    };
    for (let turn = 0; turn < 2; turn += 1) {
      const { code, details, initial, trailing } = await ask(near);
      assert.equal(code, status.OK, details);
      for (const found of [initial, trailing]) assert.equal(String(found?.get('x-echo-large')).length, nearBytes);
      const refused = await ask(over);
      assert.equal(refused.code, status.RESOURCE_EXHAUSTED, refused.details);
      assert.match(refused.details, /header fields/);
    }
    const asked = { kind: 'Unary', fields: Object.entries(over) } as const;
    const python = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
    assert.equal(python.code, 'RESOURCE_EXHAUSTED', python.details);
  });

  test('large answers of many calls at once on one connection arrive whole', async () => {
    const asked = (): Promise<Ended> => stage.js.call('Unary', { fields: { 'x-bytes': '150000' } }).ended;
    for (let turn = 0; turn < 3; turn += 1)
      for (const { code, details, messages } of await Promise.all(Array.from({ length: 32 }, asked)))
        assert.deepEqual([code, messages[0]?.length], [status.OK, 150_000], details);
  });

  test('messages far above 4 MB pass both ways, as they are and compressed', async () => {
    using gzipping = new JsClient(stage.gateway.port, stage.key, { 'grpc.default_compression_algorithm': 2 });
    for (const client of [stage.js, gzipping]) {
      const message = Buffer.alloc(largeBytes, 'ab');
      const unary = await client.call('Unary', { message, fields: { 'x-bytes': String(largeBytes) } }).ended;
      assert.equal(unary.code, status.OK, unary.details);
      assert.equal(unary.messages[0]?.length, largeBytes);
      const chat = client.call('Chat');
      for (let turn = 0; turn < 2; turn += 1) {
        chat.write(message);
        await eventually(() => chat.messages.length > turn || `no echo of message ${turn}`, 20_000);
      }
      chat.end();
      const { code, details, messages } = await chat.ended;
      assert.equal(code, status.OK, details);
      assert.deepEqual(
        messages.map(({ length }) => length),
        [largeBytes, largeBytes],
      );
      assert.ok(messages.every((each) => each.equals(message)));
    }
    for (const compression of ['gzip', 'deflate'] as const) {
      const asked = { kind: 'Upload', send: [largeBytes, largeBytes], compression } as const;
      const { code, details, first } = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
      assert.deepEqual([code, first], ['OK', `2 ${2 * largeBytes}`], details);
    }
  });
}
