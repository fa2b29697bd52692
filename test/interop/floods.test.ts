import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { block, frame, request, uint32 } from '../../src/http2/testing/frames.ts';
import { RawCalls, setting } from '../../src/http2/testing/raw-calls.ts';
import { eventually } from '../conformance/harness/gateway.ts';
import { type FaultGateway, present } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';
import { frame as message } from '../support/protobuf-bytes.ts';
import { JsClient } from './harness/js-client.ts';
import { callFields, startGoodCaller } from './harness/raw-call.ts';
import { openStreams, type StreamsStage } from './harness/streams-stage.ts';

/** Floods by clients of bad will that have a key: memory stays bounded, and a good caller beside them is well. */
const floodMs = 1500;
const connections = 4;
/** Growth of all processes together over a flood. Node's heaps are slow to shrink. */
const grownMbMax = 300;
const hello = message(Buffer.from('hello'));
const settingInitialWindowSize = 4;

type Pairs = [string, string][];

/** Sends on one connection for some time, as fast as the other side takes it. */
type Attack = (raw: RawCalls, turn: number) => Buffer[];

for (const engine of present) describe(`floods of frames on ${engine}`, () => suite(engine));

function suite(engine: (typeof present)[number]): void {
  const opened = openedHere();
  let stage: StreamsStage;
  let caller: JsClient;

  before(async () => {
    stage = await openStreams(opened, engine);
    // As clients are, unless told otherwise: what a server says it has not begun is sent again. A service that many resets reach through
    // the gateway ends that connection, and HAProxy refuses the calls of others that were about to go by it.
    caller = opened.use(new JsClient(stage.gateway.port, stage.key, { 'grpc.enable_retries': 1 }));
    // What is decided about the good caller is kept from now on: whoever is new waits for the gate, behind all that are.
    assert.equal((await caller.call('Unary').ended).code, 0);
  });

  const fields = (more: Record<string, string> = {}, method = 'Unary'): Pairs =>
    [...callFields(stage.key, method, more)].map(([name, value]) => [name, value]);

  const attacks: Readonly<Record<string, Attack>> = {
    'streams that are reset at once': (_raw, turn) =>
      Array.from({ length: 50 }, (_, at) => {
        const id = 2 * (50 * turn + at) + 1;
        return Buffer.concat([request(id, { isEnd: false, fields: fields({}, 'Chat') }), frame(3, 0, id, uint32(8))]);
      }),
    'a head that never ends': (_raw, turn) =>
      turn === 0
        ? [frame(1, 0, 1, block(fields()))]
        : Array.from({ length: 20 }, (_, at) => frame(9, 0, 1, block([[`x-${turn}-${at}`, 'a'.repeat(1000)]]))),
    'heads that are small and decode to much': (_raw, turn) => [
      // A field of 4 kB enters the table, and then each byte is that field again.
      frame(
        1,
        5,
        2 * turn + 1,
        Buffer.concat([
          block(fields()),
          ...(turn === 0 ? [entered('x-bomb', 'a'.repeat(3900))] : []),
          Buffer.alloc(8000, 0x80 | 62),
        ]),
      ),
    ],
    pings: () => [Buffer.concat(Array.from({ length: 100 }, () => frame(6, 0, 0, Buffer.alloc(8))))],
    settings: () => [
      Buffer.concat(Array.from({ length: 100 }, () => frame(4, 0, 0, setting(settingInitialWindowSize, 65_535)))),
    ],
    'empty frames of data': (_raw, turn) => [
      ...(turn === 0 ? [request(1, { isEnd: false, fields: fields({}, 'Upload') })] : []),
      Buffer.concat(Array.from({ length: 100 }, () => frame(0, 0, 1))),
    ],
  };

  for (const [name, attack] of Object.entries(attacks))
    test(`${name}: memory is bounded, and others are well`, async (t) => {
      const beforeMb = residentMb(stage.gateway);
      const good = startGoodCaller(caller);
      const ends = await Promise.all(Array.from({ length: connections }, () => flow(stage.gateway.port, attack)));
      const { calls, failures } = await good.stop();
      const grownMb = residentMb(stage.gateway) - beforeMb;
      t.diagnostic(`${ends.join('; ')}; ${calls} good calls; grown by ${grownMb.toFixed(0)} MB`);
      // HAProxy passes a replica's refusal on, which says that the call was not begun and may be sent again.
      const harm = failures.filter((each) => engine === 'embedded' || each !== '14 Stream refused by server');
      assert.deepEqual(harm.slice(0, 3), []);
      assert.ok(calls > 0);
      assert.ok(grownMb < grownMbMax, `grown by ${grownMb} MB`);
    });

  test('streams whose windows never open: what the service may send is bounded', async (t) => {
    const beforeMb = residentMb(stage.gateway);
    const begun = stage.server.calls.length;
    const raws = await Promise.all(
      Array.from({ length: connections }, () =>
        RawCalls.open(stage.gateway.port, setting(settingInitialWindowSize, 0)),
      ),
    );
    const asked = fields({ 'x-count': '1000', 'x-bytes': '65536' }, 'Download');
    for (const raw of raws)
      for (let id = 1; id < 100; id += 2)
        raw.send(request(id, { isEnd: false, fields: asked }), frame(0, 1, id, hello));
    // On HAProxy 2.6 calls of others that share a connection to the service wait behind them: see its divergences.
    const good = engine === 'embedded' ? startGoodCaller(caller) : undefined;
    const written = (): number => stage.server.calls.slice(begun).reduce((sum, each) => sum + each.written, 0);
    await eventually(() => written() > 0 || 'nothing is sent');
    // Until nothing more goes out.
    for (let last = -1; last !== written(); await sleep(500)) last = written();
    const { calls, failures } = (await good?.stop()) ?? { calls: 0, failures: [] };
    const served = stage.server.calls.slice(begun).filter(({ kind }) => kind === 'Download');
    const writtenMb = written() / 1e6;
    const grownMb = residentMb(stage.gateway) - beforeMb;
    for (const raw of raws) raw[Symbol.dispose]();
    t.diagnostic(
      `${served.length} streams, ${writtenMb.toFixed(0)} MB sent; ${calls} good calls; grown by ${grownMb.toFixed(0)} MB`,
    );
    assert.deepEqual(failures.slice(0, 3), []);
    assert.ok(grownMb < grownMbMax, `grown by ${grownMb} MB`);
  });

  test('is well after all of them', async () => {
    const { code, details } = await caller.call('Unary').ended;
    assert.equal(code, 0, details);
  });
}

/** A literal that enters the table (RFC 7541, section 6.2.1). */
function entered(name: string, value: string): Buffer {
  const bytes = block([[name, value]]);
  bytes[0] = 0x40;
  return bytes;
}

/** How it ended, in a word. */
async function flow(port: number, attack: Attack): Promise<string> {
  const endMs = Date.now() + floodMs;
  let [turns, bytes] = [0, 0];
  using raw = await RawCalls.open(port);
  while (!raw.isClosed && raw.goaway === undefined && Date.now() < endMs) {
    const frames = attack(raw, turns);
    bytes += frames.reduce((sum, { length }) => sum + length, 0);
    turns += 1;
    if (!raw.send(...frames)) await Promise.race([drained(raw), sleep(endMs - Date.now(), undefined, { ref: false })]);
    else await sleep(0);
  }
  return `${turns} turns of ${bytes} bytes, ${raw.goaway === undefined ? (raw.isClosed ? 'closed' : 'open') : `GOAWAY ${raw.goaway}`}`;
}

function drained({ socket }: RawCalls): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function residentMb(gateway: FaultGateway): number {
  const kilobytes = [gateway.pid, ...gateway.haproxyPids()].map((pid) =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}
