import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { openedHere } from '../../../test/support/opened.ts';
import { bytesField, frame } from '../../../test/support/protobuf-bytes.ts';
import { StreamClient } from '../../../test/support/stream-client.ts';
import { startStreamUpstream } from '../../../test/support/stream-upstream.ts';
import { until } from '../../http2/testing/server.ts';
import type { Flood, Flooded } from './testing/flood-peers.ts';
import { startStage } from './testing/stage.ts';
import { grpcService } from './testing/streams.ts';

const opened = openedHere();
const upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
const stage = opened.use(await startStage(grpcService([upstream.port])));
const path = '/acme.orders.v1.Orders/Watch';
const large = frame(bytesField(1, Buffer.alloc(1_000_000, 'a')));
const total = 100_000_000;

/** Writes until there is no room, and again when there is. */
function flood(write: (bytes: Buffer) => boolean, onRoom: (then: () => void) => void, end: () => void): () => number {
  let written = 0;
  const more = (): void => {
    while (written < total) {
      written += large.length;
      if (!write(large)) return;
    }
    end();
  };
  onRoom(more);
  more();
  return () => written;
}

test('a reader that does not read holds the sender up, on both ways', async () => {
  const client = opened.use(await StreamClient.open(stage.port));
  let sent = (): number => 0;
  upstream.serve = (served) => {
    served.begin();
    served.stream.pause();
    sent = flood(
      (bytes) => served.send(bytes),
      (then) => {
        served.onRoom = then;
      },
      () => served.end(0),
    );
  };
  const call = client.call({ path });
  call.stream.pause();
  const up = flood(
    (bytes) => call.write(bytes),
    (then) => {
      call.onRoom = then;
    },
    () => call.end(),
  );
  await until(() => call.head);
  // Until neither has moved for a while.
  let [before, same] = [-1, 0];
  await until(() => {
    same = sent() + up() === before ? same + 1 : 0;
    before = sent() + up();
    return same > 100 ? true : undefined;
  });
  assert.ok(sent() <= 4 * large.length && up() <= 4 * large.length, `${sent()} and ${up()}`);
});

test('a gigabyte passes in less than 64 MB', { timeout: 240_000 }, async () => {
  const peers = fork(new URL('./testing/flood-peers.ts', import.meta.url), { execArgv: [] });
  opened.defer(() => void peers.kill());
  const [port] = (await once(peers, 'message')) as [number];
  await using other = await startStage(grpcService([port]));
  const flood = async (bytes: Omit<Flood, 'port'>): Promise<Flooded> => {
    peers.send({ port: other.port, ...bytes } satisfies Flood);
    const [flooded] = (await once(peers, 'message')) as [Flooded];
    return flooded;
  };
  // What any call takes once.
  await flood({ upBytes: 20_000_000, downBytes: 20_000_000 });
  const before = process.memoryUsage().rss;
  let highest = before;
  const watching = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 20);
  const { status, upBytes, downBytes } = await flood({ upBytes: 300_000_000, downBytes: 1_000_000_000 });
  clearInterval(watching);
  assert.ok(
    status === '0' && upBytes >= 300_000_000 && downBytes >= 1_000_000_000,
    `${status} ${upBytes} ${downBytes}`,
  );
  assert.ok(highest - before < 64_000_000, `${highest - before} bytes more`);
});
