import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type ClientHttp2Session, connect, sensitiveHeaders } from 'node:http2';
import { test } from 'node:test';
import { predictPath, spec } from '../../../test/support/grpc-scene.ts';
import { startGrpcUpstream } from '../../../test/support/grpc-upstream.ts';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { startStage } from './testing/stage.ts';

const opened = openedHere();
const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
const stage = opened.use(await startStage({ replicas: [1], grpc: [upstream.port] }));

const sizes = [0, 100, 16_000, 70_000, 300_000, 1_000_000];
const answers = [undefined, undefined, 1000, 200_000];

/** One call: of some size, cut somewhere, read fast or slowly, cancelled or not. Its grpc-status, or 'left'. */
async function callOf(session: ClientHttp2Session, turn: number): Promise<string | undefined> {
  const body = frame(Buffer.concat([spec, bytesField(2, randomBytes(sizes[turn % sizes.length] as number))]));
  const answer = answers[turn % answers.length];
  const asked = answer === undefined ? {} : { 'x-answer': `large:${answer}` };
  const leaving = new AbortController();
  const fields = {
    ':method': 'POST',
    ':path': predictPath,
    te: 'trailers',
    'content-type': 'application/grpc',
    ...asked,
  };
  const stream = session.request(fields, { signal: leaving.signal });
  const seen: { status?: unknown; bytes: number } = { bytes: 0 };
  stream.on('error', () => undefined);
  stream.on('trailers', (trailers) => {
    seen.status = trailers['grpc-status'];
  });
  stream.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length;
    if (turn % 7 !== 0) return;
    stream.pause();
    setTimeout(() => stream.resume(), 2);
  });
  const cut = (body.length * (turn % 11)) >> 4;
  stream.write(body.subarray(0, cut));
  const leaves = turn % 13 === 0;
  if (leaves) setTimeout(() => leaving.abort(), turn % 5);
  else setImmediate(() => stream.end(body.subarray(cut)));
  await new Promise((resolve) => stream.on('close', resolve));
  if (leaves) return 'left';
  assert.ok(seen.bytes >= (answer ?? 0));
  return seen.status as string | undefined;
}

test('calls of every size at once, some read slowly, some left: each ends as it should', async () => {
  // What Node's client may hold is not what this is about.
  const sessions = Array.from({ length: 3 }, () =>
    connect(`http://127.0.0.1:${stage.port}`, { maxSessionMemory: 1000 }),
  );
  const ends: (string | undefined)[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < 300) {
      const turn = next;
      next += 1;
      ends.push(await callOf(sessions[turn % 3] as ClientHttp2Session, turn));
    }
  };
  await Promise.all(Array.from({ length: 30 }, work));
  for (const session of sessions) session.close();
  assert.deepEqual(new Set(ends), new Set(['0', 'left']));
  assert.equal(ends.filter((end) => end === '0').length, 276);
  assert.deepEqual(stage.log, []);
});

test('what a client keeps out of tables stays out of them on the way to the replica', async () => {
  const session = connect(`http://127.0.0.1:${stage.port}`);
  const fields = { ':method': 'POST', ':path': predictPath, te: 'trailers', 'content-type': 'application/grpc' };
  const stream = session.request({ ...fields, 'x-secret': 'a', 'x-plain': 'b', [sensitiveHeaders]: ['x-secret'] });
  stream.end(frame(spec));
  stream.resume();
  await new Promise((resolve) => stream.on('close', resolve));
  session.close();
  const ran = upstream.ran.at(-1) ?? assert.fail('nothing was run');
  assert.deepEqual([ran.headers['x-secret'], ran.headers['x-plain']], ['a', 'b']);
  assert.deepEqual(Reflect.get(ran.headers, sensitiveHeaders), ['x-secret']);
});
