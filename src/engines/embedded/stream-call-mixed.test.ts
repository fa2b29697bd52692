import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { frame } from '../../../test/support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { errorCodes } from '../../http2/index.ts';
import { until } from '../../http2/testing/server.ts';
import { startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const stage = opened.use(await startStage(grpcService([upstream.port])));
const sizes = [0, 3, 2000, 2100, 16_000, 16_384, 16_385, 70_000, 400_000];

/** Reads it in parts: stands still after each for a moment. */
function readSlowly(call: MadeCall): void {
  call.onData = (chunk) => {
    call.received.push(chunk);
    call.stream.pause();
    setTimeout(() => call.stream.resume(), 2);
  };
}

/** Sends as much as there is room for. */
function sendAll(call: MadeCall, messages: readonly Buffer[]): void {
  let at = 0;
  call.onRoom = () => {
    while (at < messages.length) {
      at += 1;
      if (!call.write(messages[at - 1] as Buffer)) return;
    }
    call.end();
  };
  call.onRoom();
}

/** One call that is sent back what it sends; some are read slowly, some are left half way. */
async function callOf(client: StreamClient, turn: number): Promise<void> {
  const messages = Array.from({ length: 1 + (turn % 4) }, (_, at) =>
    frame(randomBytes(sizes[(turn + 2 * at) % sizes.length] as number)),
  );
  const call = client.call({ path: '/acme.Orders/Echo', fields: ['x-turn', String(turn)] });
  if (turn % 5 === 0) readSlowly(call);
  sendAll(call, messages);
  if (turn % 11 === 0) {
    await new Promise((resolve) => setTimeout(resolve, turn % 7));
    call.reset(errorCodes.cancel);
    return;
  }
  await until(() => call.status, 2);
  assert.equal(call.status, '0', `turn ${turn}`);
  assert.ok(call.bytes.equals(Buffer.concat(messages)), `turn ${turn}: not what was sent`);
}

test('calls of every size at once, read slowly or left, get back just what they sent', async () => {
  const clients: StreamClient[] = [];
  for (const windowBytes of [262_144, 65_535, 20_000]) {
    clients.push(opened.use(await StreamClient.open(stage.port, { windowBytes })));
  }
  let next = 0;
  const one = async (): Promise<void> => {
    for (let turn = next++; turn < 600; turn = next++)
      await callOf(clients[turn % clients.length] as StreamClient, turn);
  };
  await Promise.all(Array.from({ length: 40 }, one));
  const records = await stage.records(600);
  assert.equal(records.length, 600);
  assert.equal((await stage.engine.status()).streams?.open, 0);
  assert.deepEqual(stage.log, []);
});
