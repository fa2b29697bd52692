import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { readSamples, sumOf } from '../../src/telemetry/index.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { FaultGateway, present, until } from '../faults/harness/gateway.ts';
import { FaultIssuer } from '../faults/harness/issuer.ts';
import { demoPolicy, demoTarget, identityLine } from '../faults/harness/texts.ts';
import { openCaller } from '../support/grpc-scene.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../support/grpc-upstream.ts';
import { openedHere } from '../support/opened.ts';
import { modelName, modelSpec } from '../support/protobuf-bytes.ts';
import { type ArrivedSpan, startCollector, type TestCollector } from './harness/collector.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = '00f067aa0ba902b7';
const sampled = `00-${traceId}-${caller}-01`;
const unsampled = `00-${traceId}-${caller}-00`;
const state = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7';

for (const engine of present) {
  describe(`trace context on ${engine}`, () => untouched(engine));
  describe(`spans of calls on ${engine}`, () => spans(engine));
}

interface Opened {
  readonly gateway: FaultGateway;
  readonly issuer: FaultIssuer;
  readonly upstream: RecordingUpstream;
  readonly grpc: GrpcUpstream;
}

async function open(
  opened: AsyncDisposableStack,
  { engine, telemetry = [] }: { readonly engine: EngineName; readonly telemetry?: readonly string[] },
): Promise<Opened> {
  const issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
  await issuer.up();
  const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
  const grpc = opened.adopt(await startGrpcUpstream(), (it) => it.close());
  const endpoint = `{ rest: 127.0.0.1:${upstream.port}, grpc: 127.0.0.1:${grpc.port} }`;
  const bindings = [identityLine(issuer), `services: { scoring: { endpoints: [ ${endpoint} ] } }`, ...telemetry];
  const made = await FaultGateway.make({ engine, policy: demoPolicy, bindings });
  const gateway = opened.adopt(made, (it) => it.remove());
  await gateway.start();
  return { gateway, issuer, upstream, grpc };
}

/** One call; the fields about traces that the replica got, and the id of the request. */
async function call(
  { gateway, upstream }: Opened,
  headers: readonly string[],
): Promise<{ readonly id: string; readonly status: number; readonly got: readonly string[] }> {
  const { headers: answered, status } = await gateway.send('POST', demoTarget, headers);
  const id = answered[answered.indexOf('x-headgate-request-id') + 1] ?? '';
  const fields = upstream.seen.get(id)?.headers ?? [];
  const got = fields.filter((_, index) => index % 2 === 1 && (fields[index - 1] ?? '').startsWith('trace'));
  return { id, status, got };
}

/** A gRPC call; the fields about traces that the replica got. */
async function grpcCall(stage: Opened, traceparent: string): Promise<(string | string[] | undefined)[]> {
  await using opened = new AsyncDisposableStack();
  const [, authorization = ''] = stage.issuer.credential('alice');
  const { call } = openCaller(opened, stage.gateway.port, { fields: { authorization } });
  const { grpcStatus } = await call(modelSpec(modelName('demo')), { traceparent, tracestate: state });
  assert.equal(grpcStatus, '0');
  const headers = stage.grpc.ran.at(-1)?.headers;
  return [headers?.traceparent, headers?.tracestate];
}

function untouched(engine: EngineName): void {
  const opened = openedHere();
  let stage: Opened;
  before(async () => {
    stage = await open(opened, { engine });
  });

  test('traceparent and tracestate get to the replica as they came, asked or kept, well-formed or not', async () => {
    const alice = stage.issuer.credential('alice');
    for (const traceparent of [sampled, unsampled, sampled.toUpperCase(), '01-what-comes-later', 'nonsense']) {
      for (const turn of ['asked', 'kept', 'kept']) {
        const { status, got } = await call(stage, [...alice, 'traceparent', traceparent, 'tracestate', state]);
        assert.deepEqual({ status, got }, { status: 200, got: [traceparent, state] }, turn);
      }
    }
    assert.deepEqual((await call(stage, alice)).got, []);
  });

  test('so do those of a gRPC call', async () => {
    for (const traceparent of [sampled, unsampled]) {
      assert.deepEqual(await grpcCall(stage, traceparent), [traceparent, state]);
    }
  });

  test('without a collector nothing is said of spans', async () => {
    const page = (await stage.gateway.page('/metrics')).text;
    assert.deepEqual(
      readSamples(page).filter(({ name }) => name === 'headgate_spans_total'),
      [],
    );
  });
}

function spans(engine: EngineName): void {
  const opened = openedHere();
  let stage: Opened;
  let collector: TestCollector;
  const arrived = (id: string): ArrivedSpan[] => {
    const root = collector.spans.find((span) => span.attributes['headgate.request.id'] === id);
    if (root === undefined) return [];
    return [root, ...collector.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)];
  };
  const spansFor = async (id: string): Promise<ArrivedSpan[]> => {
    await until(() => arrived(id).length > 0, { what: `spans of ${id}`, withinMs: 10_000 });
    return arrived(id);
  };

  before(async () => {
    collector = opened.adopt(await startCollector(), (it) => it.close());
    stage = await open(opened, { engine, telemetry: [`telemetry: { otlp: "${collector.url}" }`] });
  });

  test("a sampled call's span is a child of its caller's, with parts that lie within it", async () => {
    const alice = stage.issuer.credential('alice');
    const asked = await call(stage, [...alice, 'traceparent', sampled, 'tracestate', state]);
    const [root, ...parts] = await spansFor(asked.id);
    assert.ok(root !== undefined);
    assert.deepEqual(
      [root.traceId, root.parentSpanId, root.name, root.kind],
      [traceId, caller, 'predict scoring/demo', 2],
    );
    const names = ['headgate.rule', 'headgate.model', 'http.response.status_code', 'http.request.method', 'url.path'];
    assert.deepEqual(
      names.map((name) => root.attributes[name]),
      ['users predict', 'demo', '200', 'POST', demoTarget],
    );
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['gate', 'upstream'],
    );
    assert.ok(parts.every((part) => part.startNs >= root.startNs && part.traceId === traceId));
    assert.ok(parts.reduce((sum, { tookMs }) => sum + tookMs, 0) <= root.tookMs + 0.001);
    assert.equal(parts[1]?.attributes['server.port'], String(stage.upstream.port));
    const parent = asked.got[0]?.split('-')[2];
    // HAProxy lets the field go through as it came.
    assert.equal(parent, engine === 'embedded' ? root.spanId : caller);
    assert.equal(asked.got[1], state);
    assert.equal(collector.resource['headgate.engine'], engine);
  });

  test('a call whose decision is kept has no span of the gate: nobody was asked', async () => {
    const alice = stage.issuer.credential('alice');
    let names: string[] = [];
    // A proxy learns what it may keep a moment after the answer.
    const isKept = async (): Promise<boolean> => {
      const { id } = await call(stage, [...alice, 'traceparent', sampled]);
      names = (await spansFor(id)).map(({ name }) => name);
      return !names.includes('gate');
    };
    await until(isKept, { what: 'a decision is kept', withinMs: 20_000 });
    assert.deepEqual(names, ['predict scoring/demo', 'upstream']);
  });

  test('a call without a trace begins one; one whose caller asks for no spans has none', async () => {
    const alice = stage.issuer.credential('alice');
    const silent = await call(stage, [...alice, 'traceparent', unsampled]);
    const own = await call(stage, alice);
    const [root] = await spansFor(own.id);
    assert.equal(root?.parentSpanId, undefined);
    assert.deepEqual(silent.got, [unsampled]);
    assert.deepEqual(own.got, engine === 'embedded' ? [`00-${root?.traceId}-${root?.spanId}-01`] : []);
    assert.deepEqual(arrived(silent.id), []);
  });

  test('a gRPC call has its span, with the status of the service', async () => {
    const trace = 'c'.repeat(32);
    const [got] = await grpcCall(stage, sampled.replace(traceId, trace));
    await until(() => collector.spans.some((span) => span.traceId === trace), { what: 'its spans', withinMs: 10_000 });
    const root = collector.spans.find((span) => span.traceId === trace && span.parentSpanId === caller);
    assert.equal(root?.name, 'predict scoring/demo');
    assert.equal(got, `00-${trace}-${engine === 'embedded' ? root?.spanId : caller}-01`);
  });

  test('a refused call has its span, and is no error of ours', async () => {
    const { id, status } = await call(stage, ['traceparent', sampled]);
    const [root] = await spansFor(id);
    assert.equal(status, 401);
    assert.equal(root?.attributes['headgate.reason'], 'credential-missing');
    assert.deepEqual([root?.isError, root?.attributes['http.response.status_code']], [false, '401']);
  });

  test('what the collector takes, rejects or refuses is counted, and what it got is as OTLP has it', async () => {
    const counted = async (result: string): Promise<number> =>
      sumOf(readSamples((await stage.gateway.page('/metrics')).text), 'headgate_spans_total', { result });
    assert.equal(await counted('sent'), collector.spans.length);
    assert.equal(await counted('failed'), 0);
    collector.answer = { status: 503, body: '' };
    await call(stage, [...stage.issuer.credential('alice'), 'traceparent', sampled]);
    await until(async () => (await counted('failed')) >= 2, { what: 'failed spans are counted', withinMs: 10_000 });
    assert.match(stage.gateway.said, /spans can't be sent to .*: it answers 503/);
    collector.answer = { status: 200, body: '{"partialSuccess":{"rejectedSpans":"1"}}' };
    const failed = await counted('failed');
    await call(stage, [...stage.issuer.credential('alice'), 'traceparent', sampled]);
    await until(async () => (await counted('failed')) === failed + 1, { what: 'the rejected one', withinMs: 10_000 });
    assert.deepEqual(collector.faults, []);
  });
}
