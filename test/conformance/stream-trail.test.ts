import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { readAudit, verifyAudit } from '../../src/audit/index.ts';
import type { AuditEvent, ChainEvent, OpenedEvent } from '../../src/audit/types.ts';
import { type RunningHeadgate, startHeadgate } from '../../src/control/index.ts';
import { eventually } from '../../src/control/testing/workshop.ts';
import { readSamples, type Sample, sumOf } from '../../src/telemetry/index.ts';
import { openedHere } from '../support/opened.ts';
import { bytesField, frame } from '../support/protobuf-bytes.ts';
import { type MadeCall, StreamClient } from '../support/stream-client.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

/** What is told of streams while they are open and once they end: audit, status, metrics. The same on every engine, but for what it can't see. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const ways = [
  { name: 'embedded', engine: 'embedded', end: '', counts: true },
  { name: 'haproxy', engine: 'haproxy', end: '', counts: false },
  { name: 'haproxy, assisted', engine: 'haproxy', end: ', streams: { end: status }', counts: false },
].filter(({ engine }) => asked?.includes(engine) ?? true);

const method = 'acme.orders.v1.Orders/Watch';
const withinMs = 30_000;
const message = frame(bytesField(1, Buffer.from('tea')));

for (const { name, engine, end, counts } of ways) {
  describe(`the trail of streams on ${name}`, () => {
    const opened = openedHere();
    const folder = mkdtempSync(join(tmpdir(), 'hg-trail-'));
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const audit = join(folder, 'audit');
    const policyFile = join(folder, 'headgate.yaml');
    let upstream: StreamUpstream;
    let headgate: RunningHeadgate;
    let client: StreamClient;

    const writePolicy = (at: string): void => {
      const service = `services: { orders: { protocol: grpc${end} } }`;
      const rule = `rules: [ { name: anyone watches, allow: anyone, to: call, at: orders/acme.orders.v1.Orders/${at} } ]`;
      writeFileSync(`${policyFile}.new`, `version: 1\n${service}\n${rule}\n`);
      renameSync(`${policyFile}.new`, policyFile);
    };

    before(async () => {
      upstream = opened.adopt(await startStreamUpstream(), (it) => it.close());
      upstream.serve = (served) => {
        served.begin();
        served.onData = () => served.send(message);
      };
      writePolicy('Watch');
      const environmentFile = join(folder, 'dev.yaml');
      const lines = [
        `version: 1\nenvironment: dev\nengine: ${engine}\nstate: ${folder}`,
        'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
        `services: { orders: { endpoints: [ 127.0.0.1:${upstream.port} ] } }`,
        `audit: { directory: ${audit}, record: required }\nadmin: 127.0.0.1:0\n`,
      ];
      writeFileSync(environmentFile, lines.join('\n'));
      const options = { policyFile, environmentFile, log: () => undefined };
      headgate = opened.adopt(await startHeadgate(options), (it) => it.stop(500));
      client = opened.use(await StreamClient.open(headgate.addresses.public?.port ?? 0));
    });

    /** A stream on which a message went each way, once it is told of as open. */
    const openOne = async (): Promise<{ call: MadeCall; event: OpenedEvent }> => {
      const call = client.call({ path: `/${method}` });
      call.write(message);
      await eventually(() => call.bytes.length > 0, 'the first answer', withinMs);
      const id = call.field('x-headgate-request-id') ?? '';
      const event = await eventOf<OpenedEvent>(audit, id, 'opened');
      return { call, event };
    };
    const page = async (): Promise<Sample[]> => {
      const { host, port } = headgate.admin;
      return readSamples(await (await fetch(`http://${host}:${port}/metrics`)).text());
    };

    test('an open stream is in the audit, the status and the metrics; its end closes it', async () => {
      const { call, event } = await openOne();
      const { requestId, core } = event;
      assert.deepEqual([core.outcome, core.rule, core.resource], ['allow', 'anyone watches', `orders/${method}`]);
      await eventually(
        async () => (await headgate.status()).running.streams?.open === 1,
        'it is in the status',
        withinMs,
      );
      const { running, audit: auditStatus } = await headgate.status();
      const [stream] = running.streams?.oldest ?? [];
      assert.deepEqual(
        [stream?.requestId, stream?.service, stream?.method, stream?.caller],
        [requestId, 'orders', method, null],
      );
      assert.deepEqual([running.streams?.byService, auditStatus.unclosed], [{ orders: 1 }, 1]);
      if (counts) assert.deepEqual([stream?.messagesIn, stream?.messagesOut], [1, 1]);
      assert.equal(sumOf(await page(), 'headgate_grpc_open_streams', { service: 'orders' }), 1);
      assert.equal((await verifyAudit(audit)).unclosed, 1);

      upstream.calls.at(-1)?.end(0);
      await eventually(() => call.status === '0', 'its end', withinMs);
      const closed = await eventOf<AuditEvent>(audit, requestId, 'call');
      const { status, ...rest } = closed.core;
      assert.deepEqual([status, rest, closed.worker, closed.address], [200, core, event.worker, event.address]);
      assert.ok(closed.timing.totalMs >= 1500, `${closed.timing.totalMs} ms`);
      await eventually(async () => sumOf(await page(), 'headgate_grpc_open_streams') === 0, 'none is open', withinMs);
      const samples = await page();
      const labels = { service: 'orders', method, grpc_status: counts ? 'OK' : 'unseen', outcome: 'allow' };
      assert.equal(sumOf(samples, 'headgate_grpc_calls_total', labels), 1);
      assert.equal(sumOf(samples, 'headgate_grpc_call_duration_seconds_count', { method, outcome: 'allow' }), 1);
      assert.ok(sumOf(samples, 'headgate_grpc_bytes_total', { method, direction: 'out' }) >= message.length);
      assert.equal(sumOf(samples, 'headgate_grpc_messages_total', { method }), counts ? 2 : 0);
      assert.equal(sumOf(samples, 'headgate_grpc_first_message_seconds_count', { method }), counts ? 1 : 0);
      const { intact, unclosed } = await verifyAudit(audit);
      assert.deepEqual([intact, unclosed, (await headgate.status()).audit.unclosed], [true, 0, 0]);
    });

    test('one that policy ends is opened as allowed, and closed as denied with the reason', async () => {
      const { call, event } = await openOne();
      writePolicy('Get');
      await headgate.reload();
      await eventually(() => call.code !== undefined, 'it is ended', withinMs);
      const { core } = await eventOf<AuditEvent>(audit, event.requestId, 'call');
      const { status, ...known } = core;
      const ended = { ...event.core, outcome: 'deny', reason: 'access-ended', grpcStatus: 7 };
      assert.deepEqual([status, known], [200, ended]);
      const seen = call.status;
      assert.equal(seen, counts || end !== '' ? '7' : undefined);
    });
  });
}

/** The event of this kind, once it is chained. */
async function eventOf<T extends ChainEvent>(directory: string, requestId: string, kind: T['kind']): Promise<T> {
  let found: ChainEvent | undefined;
  const look = async (): Promise<boolean> => {
    for await (const event of readAudit(directory, { requestId })) if (event.kind === kind) found = event;
    return found !== undefined;
  };
  await eventually(look, `${kind} ${requestId} in the audit`, withinMs);
  return found as T;
}
