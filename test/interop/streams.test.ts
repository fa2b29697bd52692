import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { eventually } from '../conformance/harness/gateway.ts';
import { present } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { JsClient } from './harness/js-client.ts';
import { openStreams, type StreamsStage, untilServed } from './harness/streams-stage.ts';

/** Streams that stay open, through every engine: kept alive, very many, and read slowly. */
const idleMs = 4000;
const keepAliveMs = 400;
const streams = 1000;
const openAtOnceMin = 100;
const slowMessages = 600;
const slowMessageBytes = 262_144;
/** What may be on its way between a service that writes and a client that doesn't read: windows and buffers of four sockets. */
const onTheWayBytesMax = 24_000_000;

for (const engine of present) describe(`long streams on ${engine}`, () => suite(engine));

function suite(engine: (typeof present)[number]): void {
  const opened = openedHere();
  let stage: StreamsStage;

  before(async () => {
    stage = await openStreams(opened, engine);
  });

  test('idle streams whose clients send keep-alive pings are not cut', async () => {
    const options = { 'grpc.keepalive_time_ms': keepAliveMs, 'grpc.keepalive_timeout_ms': 2000 };
    using client = new JsClient(stage.gateway.port, stage.key, options);
    const chat = client.call('Chat');
    chat.write(Buffer.from('before'));
    await eventually(() => chat.messages.length === 1 || 'no echo');
    const words = [
      ['grpc.keepalive_time_ms', keepAliveMs],
      ['grpc.keepalive_timeout_ms', 2000],
      ['grpc.http2.max_pings_without_data', 0],
    ] as const;
    const asked = { kind: 'Upload', holdMs: idleMs, options: words } as const;
    const python = await stage.python.call(stage.gateway.port, stage.pythonKey, asked);
    assert.deepEqual([python.code, python.first], ['OK', '1 5'], python.details);
    chat.write(Buffer.from('after'));
    chat.end();
    const { code, details, messages } = await chat.ended;
    assert.deepEqual([code, messages.map(String)], [status.OK, ['before', 'after']], details);
  });

  test(`${streams} streams begun on one connection at once are all served`, async (t) => {
    using client = new JsClient(stage.gateway.port, stage.key);
    const begun = stage.server.calls.length;
    const chats = Array.from({ length: streams }, () => client.call('Chat'));
    for (const [at, chat] of chats.entries()) chat.write(Buffer.from(`to ${at}`));
    const open = (): number => stage.server.calls.slice(begun).filter(({ messages }) => messages === 1).length;
    // The rest waits in the client until one of them ends: a connection has so many streams at once.
    await eventually(() => open() >= openAtOnceMin || `${open()} are open at once`, 30_000);
    t.diagnostic(`${open()} were open at once`);
    for (const chat of chats) chat.end();
    const ends = await Promise.all(chats.map(({ ended }) => ended));
    for (const [at, { code, details, messages }] of ends.entries())
      assert.deepEqual([code, messages.map(String)], [status.OK, [`to ${at}`]], details);
  });

  // HAProxy 2.6 lets calls stand still that send and are sent to very much at once: see its divergences.
  if (engine === 'embedded')
    test('streams on one connection that send and are sent to very much at once all get through', async () => {
      using client = new JsClient(stage.gateway.port, stage.key);
      const message = Buffer.alloc(1_000_000, 'ab');
      const chats = Array.from({ length: 4 }, () => client.call('Chat', { timeoutMs: 60_000 }));
      for (const chat of chats) for (let turn = 0; turn < 5; turn += 1) chat.write(message);
      for (const chat of chats) chat.end();
      for (const { ended } of chats) {
        const { code, details, messages } = await ended;
        assert.deepEqual(
          [code, messages.map(({ length }) => length)],
          [status.OK, Array(5).fill(message.length)],
          details,
        );
      }
    });

  test('what a client does not read stays with the service', async (t) => {
    const fields = { 'x-count': String(slowMessages), 'x-bytes': String(slowMessageBytes) };
    using client = new JsClient(stage.gateway.port, stage.key);
    const call = client.call('Download', { fields });
    call.pause();
    const served = await untilServed(stage.server, 'Download', ({ written }) => written > 0);
    // Until nothing more goes out.
    for (let last = -1; last !== served.written; await sleep(500)) last = served.written;
    t.diagnostic(`${(served.written / 1e6).toFixed(1)} MB on their way`);
    assert.ok(served.written < onTheWayBytesMax, `${served.written} bytes were taken`);
    const other = await stage.js.call('Unary').ended;
    assert.equal(other.code, status.OK, other.details);
    call.resume();
    const { code, details, messages } = await call.ended;
    assert.deepEqual([code, messages.length], [status.OK, slowMessages], details);
  });
}
