import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { block, frame, post, request, uint32 } from './testing/frames.ts';
import { RawClient, startServer, until } from './testing/server.ts';

const server = await startServer();
after(() => server.close());

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((made) => Buffer.from(made));
const streamId = fc.constantFrom(0, 1, 1, 1, 2, 3, 3, 5, 7, 0x7fff_ffff);
const sound = fc.oneof(
  streamId.map((id) => request(id)),
  streamId.map((id) => request(id, { isEnd: false })),
  fc.tuple(streamId, fc.constantFrom(0, 1), bytes(200)).map(([id, flags, made]) => frame(0, flags, id, made)),
  streamId.map((id) => frame(3, 0, id, uint32(8))),
  fc.tuple(streamId, fc.nat(0x7fff_ffff)).map(([id, size]) => frame(8, 0, id, uint32(size))),
  fc
    .array(fc.tuple(fc.nat(7), fc.nat(0xffff_ffff)), { maxLength: 4 })
    .map((pairs) =>
      frame(4, 0, 0, Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.of(0, id), uint32(value)])))),
    ),
  fc.constant(frame(6, 0, 0, Buffer.alloc(8))),
  fc.tuple(streamId, fc.nat(40)).map(([id, at]) => frame(1, 0, id, block(post).subarray(0, at))),
  fc.tuple(streamId, fc.nat(40)).map(([id, at]) => frame(9, 4, id, block(post).subarray(at))),
);
const wild = fc
  .tuple(fc.nat(12), fc.nat(255), streamId, bytes(80))
  .map(([type, flags, id, made]) => frame(type, flags, id, made));
const flips = fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { maxLength: 6 });

test('frames that were drawn and damaged end streams or the connection, never the server', async () => {
  const script = fc.tuple(
    fc.array(fc.oneof(sound, sound, sound, wild), { minLength: 1, maxLength: 25 }),
    flips,
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(script, async ([frames, damages, isDamaged]) => {
      const sent = Buffer.concat(frames);
      if (isDamaged) for (const [at, byte] of damages) sent[at % sent.length] = byte;
      const client = new RawClient(server.port);
      client.send(sent);
      client.socket.end();
      await until(() => client.isClosed || undefined);
      for (const { type, payload } of client.frames) if (type === 7) assert.ok(payload.length >= 8);
    }),
    { seed: 20261121, numRuns: 400 },
  );
  await until(() => (server.connections.size === 0 ? true : undefined));
  const good = connect(`http://127.0.0.1:${server.port}`);
  const stream = good.request({ ':method': 'POST', ':path': '/' });
  stream.end('still there');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'still there');
  good.destroy();
});
