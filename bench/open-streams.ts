import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { callPaths } from './call-paths.ts';
import type { CallsPair } from './calls.ts';
import { type Figure, figureOfCosts } from './figures.ts';
import type { GrpcOptions } from './grpc.ts';
import { residentKbOf } from './memory.ts';
import { type GrpcSetting, startCallsReplica } from './sides/grpc.ts';
import { startHeadgateCalls } from './sides/headgate-calls.ts';
import type { Side, SideSetting } from './sides/side.ts';

const connections = 100;
const streamsEach = 100;
const openMsMax = 90_000;
/** Until what is only said of calls that stay open has been said, and memory is at rest. */
const settleMs = 5000;
const flood = { messageBytes: 64_000, streamBytes: 1_024_000_000 };
const slowKbMax = 64 * 1024;
const silentMs = 3000;
const sampleMs = 50;
const bytesAtATime = 1e6;
const pauseMs = 5;

/** Memory of 10,000 streams on which nothing moves, and of one of 1 GB that is read slower than it comes. */
export async function compareOpenStreams(
  pair: CallsPair,
  setting: SideSetting,
  options: GrpcOptions,
): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const use = async (starting: Promise<Side>): Promise<Side> => {
    const side = await starting;
    stack.defer(() => side.process.stop());
    return side;
  };
  const message = Buffer.alloc(5);
  const replica = await use(startCallsReplica(setting.folder));
  const own: GrpcSetting = { ...setting, grpcPort: replica.port, message };
  const ours = await use(startHeadgateCalls(pair.engine, own));
  const rival = await use(pair.rival(own));
  const { log } = options;
  const kbEach: number[] = [];
  for (const side of [rival, ours]) {
    const kb = (await kbOfIdleStreams(side, setting.token)) / (connections * streamsEach);
    log(`${side.name}: ${kb.toFixed(1)} kB for each of ${connections * streamsEach} idle streams`);
    kbEach.push(kb);
  }
  const slowKb = await kbOfSlowReader(ours, setting.token);
  log(`${ours.name}: at most ${(slowKb / 1024).toFixed(1)} MB more while 1 GB goes to a slow reader`);
  const [other = Number.NaN, mine = Number.NaN] = kbEach;
  return [
    figureOfCosts(
      { name: `${pair.engine}-open-streams/${pair.of}/memory`, goal: null },
      { other: [other], ours: [mine] },
    ),
    figureOfCosts(
      { name: `${pair.engine}-slow-reader/64MB-over-more/1GB`, goal: 1 },
      { other: [slowKbMax], ours: [Math.max(slowKb, 1)] },
    ),
  ];
}

async function kbOfIdleStreams(side: Side, token: string): Promise<number> {
  // What is made once and stays, whatever is open.
  for (const session of await openAll(side, token, { sessions: 4, each: 50 })) await closed(session);
  await sleep(settleMs);
  const before = residentKbOf(side.process.pid);
  const sessions = await openAll(side, token, { sessions: connections, each: streamsEach });
  await sleep(settleMs);
  const open = residentKbOf(side.process.pid);
  for (const session of sessions) await closed(session);
  return open - before;
}

interface Openings {
  readonly sessions: number;
  /** Streams on each. */
  readonly each: number;
}

/** Opens streams and waits until the head of the answer to each is here. */
async function openAll(side: Side, token: string, { sessions, each }: Openings): Promise<ClientHttp2Session[]> {
  const opened: ClientHttp2Session[] = [];
  const end = AbortSignal.timeout(openMsMax);
  for (let count = 0; count < sessions; count += 1) {
    const session = connect(`http://127.0.0.1:${side.port}`);
    session.on('error', () => undefined);
    opened.push(session);
    await once(session, 'remoteSettings', { signal: end });
    const streams = Array.from({ length: each }, () => call(session, token, callPaths.hold));
    await Promise.all(streams.map((stream) => answered(stream, end)));
  }
  return opened;
}

function call(session: ClientHttp2Session, token: string, path: string): ClientHttp2Stream {
  const fields = { 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${token}` };
  const stream = session.request({ ':method': 'POST', ':path': path, ...fields }, { endStream: false });
  stream.on('error', () => undefined);
  stream.write(Buffer.alloc(5));
  return stream;
}

async function answered(stream: ClientHttp2Stream, signal: AbortSignal): Promise<void> {
  const [head] = (await once(stream, 'response', { signal })) as [Record<string, unknown>];
  if (head['grpc-status'] !== undefined) throw new Error(`a stream was refused: ${JSON.stringify(head)}`);
}

async function closed(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return;
  const over = once(session, 'close');
  session.destroy();
  await over;
}

/** The most that it takes more while a stream of 1 GB is not read at first, and then at some 200 MB a second. */
async function kbOfSlowReader(side: Side, token: string): Promise<number> {
  await sleep(settleMs);
  const before = residentKbOf(side.process.pid);
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, residentKbOf(side.process.pid));
  }, sampleMs);
  const session = connect(`http://127.0.0.1:${side.port}`);
  try {
    const bytes = await readSlowly(call(session, token, callPaths.watch(flood)).end());
    if (bytes !== flood.streamBytes) throw new Error(`${side.name}: of ${flood.streamBytes} bytes ${bytes} came`);
  } finally {
    clearInterval(sampling);
    session.destroy();
  }
  return most - before;
}

async function readSlowly(stream: ClientHttp2Stream): Promise<number> {
  await answered(stream, AbortSignal.timeout(openMsMax));
  await sleep(silentMs);
  let [bytes, pausedAt] = [0, 0];
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    if (bytes - pausedAt < bytesAtATime) continue;
    pausedAt = bytes;
    await sleep(pauseMs);
  }
  return bytes;
}
