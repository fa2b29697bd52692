import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { errorCodes, type Stream } from './index.ts';
import { block, frame, framesOf, post, request, uint32 } from './testing/frames.ts';
import { eventsOf, RawClient, startServer, until } from './testing/server.ts';

const server = await startServer();
after(() => server.close());

/** Code of the GOAWAY that a client gets for what it sends. */
async function endingOf(...frames: readonly Buffer[]): Promise<number | undefined> {
  const client = new RawClient(server.port);
  client.send(...frames);
  const code = await client.ending();
  return code;
}

/** Code of the RST_STREAM. */
async function resetOf(...frames: readonly Buffer[]): Promise<number> {
  const client = new RawClient(server.port);
  client.send(...frames);
  const { payload } = await client.frame(({ type }) => type === 3);
  client.socket.destroy();
  return payload.readUInt32BE();
}

const fields = (...more: [string, string][]): Buffer => request(1, { fields: [...post, ...more] });

test('a head that no message may have is refused, and the connection lives', async () => {
  const bad: Buffer[] = [
    fields(['X-Upper', 'a']),
    fields(['connection', 'close']),
    fields(['transfer-encoding', 'chunked']),
    fields(['te', 'gzip']),
    fields(['a b', 'c']),
    fields(['', 'c']),
    fields(['x', 'a\r\nb: c']),
    fields(['x', ' a']),
    fields(['x', 'a\0']),
    fields([':path', '/twice']),
    fields([':status', '200']),
    fields([':unknown', 'a']),
    fields(['content-length', '1'], ['content-length', '2']),
    fields(['content-length', 'x']),
    fields(['content-length', '5']),
    request(1, { fields: [['x', 'before'], ...post] }),
    request(1, { fields: post.slice(1) }),
    request(1, { fields: [...post.slice(0, 2), [':path', '']] }),
  ];
  for (const [at, made] of bad.entries()) assert.equal(await resetOf(made), errorCodes.protocol, `number ${at}`);
});

test('a body has to be as long as its head says', async () => {
  const head = request(1, { isEnd: false, fields: [...post, ['content-length', '3']] });
  assert.equal(await resetOf(head, frame(0, 1, 1, Buffer.from('ab'))), errorCodes.protocol);
  assert.equal(await resetOf(head, frame(0, 0, 1, Buffer.from('abcd'))), errorCodes.protocol);
});

test('a flow of frames that are of no use ends', async () => {
  const many = (made: (at: number) => Buffer, count = 1100): Buffer[] =>
    Array.from({ length: count }, (_, at) => made(at));
  const calm = errorCodes.enhanceYourCalm;
  // CVE-2023-44487: begun and reset.
  assert.equal(
    await endingOf(
      ...many((at) => Buffer.concat([request(2 * at + 1, { isEnd: false }), frame(3, 0, 2 * at + 1, uint32(8))])),
    ),
    calm,
  );
  // Resets that the server is made to send.
  assert.equal(await endingOf(...many((at) => request(2 * at + 1, { fields: [['x', 'y']] }))), calm);
  // CVE-2019-9518: DATA of nothing.
  assert.equal(await endingOf(request(1, { isEnd: false }), ...many(() => frame(0, 0, 1))), calm);
  assert.equal(await endingOf(...many(() => frame(2, 0, 3, Buffer.alloc(5)))), calm);
  assert.equal(await endingOf(...many(() => frame(0xbe, 0, 0))), calm);
  // CVE-2024-27316: CONTINUATION without end.
  const part = block([['x', 'y'.repeat(50)]]);
  assert.equal(await endingOf(frame(1, 0, 1, block(post)), ...many(() => frame(9, 0, 1, part))), calm);
  assert.equal(
    await endingOf(frame(1, 0, 1, block(post)), ...many(() => frame(9, 0, 1, Buffer.alloc(16_384)), 10)),
    calm,
  );
  assert.equal(await endingOf(frame(4, 0, 0, Buffer.alloc(600))), calm);
});

test('so does a flow of PINGs, but not where the peer measures how fast it is sent to', async () => {
  const ping = frame(6, 0, 0, Buffer.alloc(8));
  assert.equal(await endingOf(...Array.from({ length: 1100 }, () => ping)), errorCodes.enhanceYourCalm);
  const client = new RawClient(server.port);
  client.send(request(1, { isEnd: false }));
  let pongs = 0;
  client.socket.on('data', (chunk: Buffer) => {
    pongs += framesOf(chunk).filter(({ type, flags }) => type === 6 && flags === 1).length;
  });
  for (let at = 1; at <= 1500; at += 1) {
    client.send(frame(0, 0, 1, Buffer.from('a')), ping);
    await until(() => (pongs >= at ? true : undefined), 0);
  }
  assert.equal(client.isClosed, false);
  client.socket.destroy();
});

test('one that carries the calls of many may reset as many as they do', async () => {
  const carrying = await startServer(undefined, { isCarrier: true });
  const client = new RawClient(carrying.port);
  const resets = 3000;
  for (let at = 0; at < resets; at += 1) {
    client.send(request(2 * at + 1, { isEnd: false }), frame(3, 0, 2 * at + 1, uint32(8)));
  }
  client.send(request(2 * resets + 1));
  await client.frame(({ type, streamId }) => type === 1 && streamId === 2 * resets + 1);
  client.socket.destroy();
  carrying.close();
});

test('answers that are not read end the connection (CVE-2019-9512, CVE-2019-9515)', async () => {
  for (const made of [frame(6, 0, 0, Buffer.alloc(8)), frame(4, 0, 0)]) {
    const client = new RawClient(server.port);
    client.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 10_000 }, () => made));
    const before = server.ended();
    const timer = setInterval(() => {
      if (client.socket.writableLength < 4_000_000) client.socket.write(flood);
    }, 1);
    await until(() => (server.ended() > before ? true : undefined));
    clearInterval(timer);
    client.socket.destroy();
  }
});

test('a head that is too large is refused, and the next one is not', async () => {
  const large = Array.from({ length: 9 }, (_, at): [string, string] => [`x-${at}`, 'y'.repeat(10_000)]);
  const bytes = block([...post, ...large]);
  const client = new RawClient(server.port);
  const parts = Array.from({ length: 6 }, (_, at) => bytes.subarray(16_000 * at, 16_000 * (at + 1)));
  client.send(
    ...parts.map((part, at) => frame(at === 0 ? 1 : 9, (at === 0 ? 1 : 0) | (at === 5 ? 4 : 0), 1, part)),
    request(3),
  );
  const reset = await client.frame(({ type, streamId }) => type === 3 && streamId === 1);
  assert.equal(reset.payload.readUInt32BE(), errorCodes.enhanceYourCalm);
  await client.frame(({ type, streamId }) => type === 1 && streamId === 3);
  client.socket.destroy();
});

test('more than its windows allow ends a stream, or the connection', async () => {
  const full = frame(0, 0, 1, Buffer.alloc(16_384));
  const deaf = await startServer((stream) => {
    stream.events = eventsOf({});
  });
  const client = new RawClient(deaf.port);
  client.send(request(1, { isEnd: false }), ...Array.from({ length: 17 }, () => full));
  const reset = await client.frame(({ type }) => type === 3);
  assert.equal(reset.payload.readUInt32BE(), errorCodes.flowControl);
  client.socket.destroy();
  const other = new RawClient(deaf.port);
  for (let streamId = 1; streamId < 13; streamId += 2)
    other.send(
      request(streamId, { isEnd: false }),
      ...Array.from({ length: 16 }, () => frame(0, 0, streamId, Buffer.alloc(16_384))),
    );
  assert.equal(await other.ending(), errorCodes.flowControl);
  deaf.close();
});

test('streams beyond the bound are refused', async () => {
  const few = await startServer(() => undefined, { streamsMax: 2 });
  const client = new RawClient(few.port);
  client.send(request(1), request(3), request(5));
  const reset = await client.frame(({ type }) => type === 3);
  assert.deepEqual([reset.streamId, reset.payload.readUInt32BE()], [5, errorCodes.refusedStream]);
  client.socket.destroy();
  few.close();
});

test('whoever begins otherwise than with the preface is no client', async () => {
  const client = new RawClient(server.port, { begins: false });
  client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  assert.equal(await client.ending(), errorCodes.protocol);
});

test('a window of one byte gets the answer byte by byte, and nothing piles up', async () => {
  const client = new RawClient(server.port);
  const window = Buffer.concat([Buffer.of(0, 4), uint32(1)]);
  client.send(frame(4, 0, 0, window), request(1, { isEnd: false }), frame(0, 1, 1, Buffer.from('abc')));
  for (let at = 0; at < 3; at += 1) {
    await until(() => (client.frames.filter(({ type }) => type === 0).length > at ? true : undefined));
    client.send(frame(8, 0, 1, uint32(1)));
  }
  const body = client.frames.filter(({ type }) => type === 0).map(({ payload }) => payload.toString());
  assert.deepEqual(body.slice(0, 3), ['a', 'b', 'c']);
  client.socket.destroy();
});

test('what a client still begins after the last GOAWAY is refused, body and all, and the rest goes on', async () => {
  const going = await startServer();
  const client = new RawClient(going.port);
  client.send(request(1, { isEnd: false }));
  const connection = await until(() => [...going.connections].find(({ streams }) => streams.size === 1));
  connection.close();
  await client.frame(({ type, payload }) => type === 7 && payload.readUInt32BE() === 0x7fff_ffff);
  const { payload: asked } = await client.frame(({ type, flags }) => type === 6 && flags === 0);
  client.send(request(3), frame(6, 1, 0, asked));
  await client.frame(({ type, payload }) => type === 7 && payload.readUInt32BE() === 3);
  await client.frame(({ type, streamId }) => type === 1 && streamId === 3);
  client.send(
    request(5, { isEnd: false }),
    frame(0, 1, 5, Buffer.from('late')),
    frame(0, 1, 1, Buffer.from('in time')),
  );
  const reset = await client.frame(({ type }) => type === 3);
  assert.deepEqual([reset.streamId, reset.payload.readUInt32BE()], [5, errorCodes.refusedStream]);
  const { payload } = await client.frame(({ type, streamId }) => type === 0 && streamId === 1);
  assert.equal(payload.toString(), 'in time');
  assert.equal(await client.ending(), errorCodes.none);
  going.close();
});

test('windows that are wide open before a socket that nobody reads: nothing piles up (CVE-2019-9517)', async () => {
  const chunk = Buffer.alloc(65_536);
  let written = 0;
  let stream: Stream | undefined;
  const send = (): void => {
    while (stream?.write(chunk) === true && written < 2000) written += 1;
  };
  const generous = await startServer((opened) => {
    stream = opened;
    opened.head([':status', '200']);
    opened.events = eventsOf({ onRoom: send });
    send();
  });
  const client = new RawClient(generous.port);
  client.socket.pause();
  const window = Buffer.concat([Buffer.of(0, 4), uint32(0x7fff_ffff)]);
  client.send(frame(4, 0, 0, window), frame(8, 0, 0, uint32(0x7fff_0000)), request(1));
  const connection = await until(() => [...generous.connections].find(({ output }) => output.isFull));
  await new Promise((resolve) => setTimeout(resolve, 200));
  // 64 kB of the stream, 128 kB of the socket and what one write may add.
  assert.ok((stream?.heldBytes ?? 0) <= 2 * 65_536, `${stream?.heldBytes} bytes of the stream`);
  assert.ok(connection.output.bytes <= 3 * 131_072, `${connection.output.bytes} bytes of the socket`);
  assert.ok(written < 1000, `${written} chunks`);
  client.socket.destroy();
  generous.close();
});
