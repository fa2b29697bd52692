import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { readAudit } from '../../src/audit/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { type RecordingUpstream, type Seen, startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { FaultIssuer } from './harness/issuer.ts';
import { counts, Load, type Outcome } from './harness/load.ts';
import { demoPolicy, demoTarget, identityLine } from './harness/texts.ts';

const policy = demoPolicy.replace('demo: {}', 'demo: { versions: [stable, canary] }');

/** A rollout as people do it: the canary's share grows, then it becomes the stable one, then all goes back. */
const steps: readonly { readonly versions: string; readonly some: readonly string[]; readonly nobody: string }[] = [
  { versions: '{ stable: 3, canary: { version: 4, share: 0% } }', some: ['3'], nobody: '3' },
  { versions: '{ stable: 3, canary: { version: 4, share: 50% } }', some: ['3', '4'], nobody: '3' },
  { versions: '{ stable: 3, canary: { version: 4, share: 100% } }', some: ['4'], nobody: '3' },
  { versions: '{ stable: 4, canary: { version: 5, share: 0% } }', some: ['4'], nobody: '4' },
  { versions: '{ stable: 3, canary: { version: 4, share: 0% } }', some: ['3'], nobody: '3' },
];
const callers = 20;
/** Calls of each caller at each step. */
const stayCalls = 8;

for (const engine of present) describe(`a rollout under load, on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let upstream: RecordingUpstream;
  let gateway: FaultGateway;
  let loads: Load[];
  let labelled: Load;

  const bindings = (versions: string): string[] => [
    identityLine(issuer),
    `services: { scoring: { endpoints: [ { rest: 127.0.0.1:${upstream.port} } ], models: { demo: ${versions} } } }`,
  ];

  before(async () => {
    issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
    await issuer.up();
    upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
    const [first] = steps;
    assert.ok(first);
    const routes = ['{ path: /ml/**, service: scoring, strip: true }'];
    gateway = await FaultGateway.make({ engine, policy, bindings: bindings(first.versions), routes });
    opened.defer(() => gateway.remove());
    await gateway.start();
    const load = (name: string, target: string) => {
      const credential = issuer.credential(name);
      const headers = (): string[] => credential;
      return opened.use(new Load({ port: gateway.port, target: `/ml${target}`, headers, pauseMs: 20 }));
    };
    loads = Array.from({ length: callers }, (_, index) => load(`caller-${index}`, demoTarget));
    labelled = load('labelled', '/v1/models/demo/labels/stable:predict?x=1');
  });

  /** Number in the path that the upstream was asked for. */
  const numberOf = ({ requestId }: Outcome): string | undefined => numberIn(upstream.seen.get(requestId));

  test('each step takes effect without a failed call, and a caller stays where they are', async (t) => {
    const chosen: string[][] = [];
    for (const [index, { versions, some, nobody }] of steps.entries()) {
      if (index > 0) await taken(gateway, bindings(versions));
      const confirmedMs = performance.now();
      await until(() => [...loads, labelled].every((load) => load.since(confirmedMs).length >= stayCalls), {
        what: 'everybody has called',
        withinMs: 20_000,
      });
      const byCaller = loads.map((load) => [...new Set(load.since(confirmedMs).map(numberOf))]);
      assert.ok(
        byCaller.every((numbers) => numbers.length === 1),
        `a caller moved: ${JSON.stringify(byCaller)}`,
      );
      const numbers = byCaller.map(([number]) => number ?? '');
      assert.deepEqual([...new Set(numbers)].toSorted(), some, versions);
      assert.deepEqual([...new Set(labelled.since(confirmedMs).map(numberOf))], [nobody]);
      chosen.push(numbers);
    }
    const outcomes = [...loads, labelled].flatMap((load) => load.outcomes);
    t.diagnostic(
      `${steps.length - 1} steps: ${counts(outcomes)}; at 50 %: ${chosen[1]?.filter((each) => each === '4').length} of ${callers} on the canary`,
    );
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 200).map(({ error, answer }) => error ?? answer?.body),
      [],
    );
    assert.ok(
      outcomes.every((outcome) => numberOf(outcome) !== undefined),
      'the upstream was asked without a number',
    );
  });

  test('the audit, the metrics and the status show it', async () => {
    await Promise.all([...loads, labelled].map((load) => load.stop()));
    const page = await gateway.page('/metrics');
    for (const version of ['3', '4'])
      assert.match(page.text, new RegExp(`headgate_requests_total\\{[^}]*version="${version}"`));
    const status = JSON.parse((await gateway.page('/status')).text) as { versions: unknown };
    assert.deepEqual(status.versions, {
      'scoring/demo': [
        { name: 'stable', number: 3 },
        { name: 'canary', number: 4, sharePpm: 0 },
      ],
    });
    await gateway.stop();
    const seen = new Set<string>();
    let calls = 0;
    for await (const event of readAudit(gateway.auditDirectory)) {
      if (event.kind !== 'call') continue;
      const { version, versionName, reason } = event.core;
      calls += 1;
      seen.add(`${version} ${versionName}`);
      assert.equal(reason, 'rule-allows');
      assert.equal(version, numberIn(upstream.seen.get(event.requestId)), 'what is recorded is what ran');
    }
    assert.ok(calls > 100);
    assert.deepEqual([...seen].toSorted(), ['3 stable', '4 canary', '4 stable']);
    const { findings } = await gateway.audited();
    assert.deepEqual(findings, []);
  });
}

function numberIn(seen: Seen | undefined): string | undefined {
  return /^\/v1\/models\/demo\/versions\/(\d+):predict(\?x=1)?$/.exec(seen?.target ?? '')?.[1];
}

/** Writes other bindings and waits until they are in force. */
async function taken(gateway: FaultGateway, bindings: readonly string[]): Promise<void> {
  const before = (await gateway.status()).reload?.at;
  await gateway.writeBindings(bindings);
  let reload = (await gateway.status()).reload;
  await until(
    async () => {
      reload = (await gateway.status()).reload;
      return reload !== undefined && reload.at !== before;
    },
    { what: 'the environment is read again', withinMs: 10_000 },
  );
  assert.equal(reload?.outcome, 'taken', reload?.message);
}
