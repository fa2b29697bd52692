import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEngine } from '../../src/control/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { FaultIssuer } from './harness/issuer.ts';
import { counts, Load, type Outcome } from './harness/load.ts';
import { ReplicaProcess } from './harness/replica.ts';
import { identityLine } from './harness/texts.ts';

/** Of the engines that are there, those that take it up. */
const engines: EngineName[] = [];
for (const name of present)
  if ((await loadEngine(name)).capabilities['readiness-by-model'] !== 'refused') engines.push(name);

/** How long the slow model takes to load, each time its replica starts. */
const loadMs = 3000;
const restarts = 3;
/** Of conditions, on a busy machine. */
const lateMs = 40_000;

const policy = `
version: 1
identity: { staff: { oidc: { audience: headgate } } }
groups: { everybody: [ { staff: any } ] }
services:
  scoring:
    protocol: tensorflow-serving
    models: { slow: { versions: [stable] }, quick: {} }
rules:
  - { name: all predict, allow: [everybody], to: any, at: scoring/** }
`;

for (const engine of engines) describe(`a model that takes time to load, on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let gateway: FaultGateway;
  let replicas: readonly [ReplicaProcess, ReplicaProcess];

  before(async () => {
    issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
    await issuer.up();
    const models = { slow: { version: '4', loadMs }, quick: { version: '1', loadMs: 0 } };
    const start = async () => opened.adopt(await ReplicaProcess.start(models), (it) => it.kill9());
    replicas = [await start(), await start()];
    const endpoints = replicas.map(({ port }) => `{ rest: 127.0.0.1:${port} }`).join(', ');
    gateway = await FaultGateway.make({
      engine,
      policy,
      bindings: [
        identityLine(issuer),
        'services:',
        '  scoring:',
        `    endpoints: [ ${endpoints} ]`,
        '    health: { every: 300ms, rise: 1, fall: 2 }',
        '    models: { slow: { stable: 4 } }',
      ],
    });
    opened.defer(() => gateway.remove());
    await gateway.start();
    await until(async () => (await waits()).length === 0, { what: 'both have loaded it', withinMs: lateMs });
    // The engine hears of it a moment after the status shows it.
    const first = load('slow');
    await until(() => first.outcomes.some(({ status }) => status === 200), { what: 'it is called', withinMs: lateMs });
    await first.stop();
  });

  /** What replicas wait for, as `headgate status` says it. */
  async function waits(): Promise<string[]> {
    const { replicas: known } = JSON.parse((await gateway.page('/status')).text).replicas as {
      replicas: { address: string; state: string; waitsFor: { what: string }[]; unasked: number }[];
    };
    return known.flatMap(({ address, state, waitsFor, unasked }) => {
      if (state !== 'up') return [`${address} is ${state}`];
      return [...waitsFor.map(({ what }) => `${address} ${what}`), ...(unasked > 0 ? [`${address} ?`] : [])];
    });
  }

  const load = (model: string): Load => {
    const target = `/v1/models/${model}:predict`;
    return opened.use(new Load({ port: gateway.port, target, headers: () => issuer.credential('alice') }));
  };

  test(`its replica gets none of its calls until it is AVAILABLE, over ${restarts} restarts`, async (t) => {
    const [, restarted] = replicas;
    const loads = { slow: [load('slow'), load('slow')], quick: [load('quick')] };
    const all = [...loads.slow, ...loads.quick];
    const isAt = (outcome: Outcome): boolean => replicaOf(outcome) === `127.0.0.1:${restarted.port}`;
    const spans: string[] = [];
    for (let turn = 0; turn < restarts; turn += 1) {
      await restarted.kill9();
      await restarted.start();
      const startedMs = performance.now();
      await until(async () => (await waits()).some((what) => what.endsWith(`${restarted.port} slow/4`)), {
        what: 'status shows that it waits',
        withinMs: lateMs,
      });
      for (const each of ['quick', 'slow'] as const) {
        const isUsed = (): boolean => loads[each].some((one) => one.since(startedMs).some(isAt));
        await until(isUsed, { what: `it gets calls of ${each}`, withinMs: lateMs });
      }
      const firstMs = (model: 'quick' | 'slow'): number =>
        Math.min(
          ...loads[model].flatMap((one) =>
            one
              .since(startedMs)
              .filter(isAt)
              .map(({ startedMs: at }) => at),
          ),
        );
      spans.push(
        `quick after ${secondsOf(firstMs('quick') - startedMs)}, slow after ${secondsOf(firstMs('slow') - startedMs)}`,
      );
      // The process loads from a little before it says that it listens.
      assert.ok(firstMs('slow') - startedMs > loadMs - 500, 'it got calls before it had loaded the model');
    }
    const outcomes = (await Promise.all(all.map((each) => each.stop()))).flat();
    t.diagnostic(`${counts(outcomes)}; back in use: ${spans.join('; ')}`);
    const failed = outcomes.filter(({ status }) => status !== 200);
    assert.deepEqual(
      failed.map(({ error, answer }) => error ?? answer?.body),
      [],
    );
  });

  test('a replica that is frozen is down after some checks, and no call goes there until it has thawed', async (t) => {
    const [frozen] = replicas;
    const at = `127.0.0.1:${frozen.port}`;
    frozen.signal('SIGSTOP');
    try {
      const frozenMs = performance.now();
      const isDown = async (): Promise<boolean> => (await waits()).includes(`${at} is down`);
      await until(isDown, { what: 'status shows that it is down', withinMs: lateMs });
      const downMs = performance.now();
      // The engine hears of it a moment after the status shows it.
      await sleep(500);
      const beside = load('quick');
      await until(() => beside.outcomes.length >= 50, { what: 'calls go on', withinMs: lateMs });
      const outcomes = await beside.stop();
      t.diagnostic(`down after ${secondsOf(downMs - frozenMs)}; then ${counts(outcomes)}`);
      assert.ok(outcomes.every((outcome) => outcome.status === 200 && replicaOf(outcome) !== at));
    } finally {
      frozen.signal('SIGCONT');
    }
    const again = load('quick');
    const isBack = (): boolean => again.outcomes.some((outcome) => replicaOf(outcome) === at);
    await until(isBack, { what: 'it is used again', withinMs: lateMs });
    assert.ok((await again.stop()).every(({ status }) => status === 200));
  });

  test('its log says what happened, in a few lines', () => {
    const name = `127.0.0.1:${replicas[1].port}`;
    const lines = gateway.said.split('\n').filter((line) => line.includes(name));
    assert.ok(
      lines.some((line) => line.includes(`replica ${name} waits for slow/4`)),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => line.includes(`replica ${name} has slow/4`)),
      lines.join('\n'),
    );
    assert.ok(lines.length <= 12 * (restarts + 1), lines.join('\n'));
  });
}

function replicaOf({ answer }: Outcome): string {
  const at = answer?.headers.indexOf('x-replica') ?? -1;
  return at < 0 ? '' : (answer?.headers[at + 1] ?? '');
}

function secondsOf(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
