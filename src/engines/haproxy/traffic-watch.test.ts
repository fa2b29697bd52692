import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplePlan } from '../../plan/testing/sample-plan.ts';
import type { RetriesPlan } from '../../plan/types.ts';
import { replicaName, serviceBackends } from './names.ts';
import { RuntimeApi } from './runtime-api.ts';
import { ServerSlots } from './server-slots.ts';
import { TrafficWatch } from './traffic-watch.ts';

/** What HAProxy has counted of a replica: answers that are well and ill, and tries that were sent on from it. */
interface Counted {
  well: number;
  ill: number;
  tries: number;
}

const [backend = ''] = serviceBackends(1);
const head =
  '# pxname,svname,scur,stot,econ,eresp,wretr,wredis,hrsp_other,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx';

/** Answers `show stat` of these counts, and remembers what else it was asked. */
class CountedApi extends RuntimeApi {
  readonly replicas: Counted[] = Array.from({ length: 2 }, () => ({ well: 0, ill: 0, tries: 0 }));
  readonly orders: string[] = [];

  override async ask(command: string): Promise<string> {
    const row = (name: string, { well, ill, tries }: Counted): string =>
      `${backend},${name},0,${well + ill},0,0,${tries},0,0,0,${well},0,0,${ill}`;
    if (command === 'show stat -1 4 -1') {
      return [head, ...this.replicas.map((each, index) => row(replicaName(index + 1), each))].join('\n');
    }
    if (command !== 'show stat -1 2 -1') this.orders.push(command);
    const sum = (name: keyof Counted): number => this.replicas.reduce((total, each) => total + each[name], 0);
    return [head, row('BACKEND', { well: sum('well'), ill: sum('ill'), tries: sum('tries') })].join('\n');
  }
}

/** Remembers who is passed over. */
class HeldSlots extends ServerSlots {
  ejected: string[] = [];

  override async eject(_service: string, keys: ReadonlySet<string>): Promise<void> {
    this.ejected = [...keys];
  }
}

function scene(retries: RetriesPlan) {
  const sample = samplePlan();
  const plan = { ...sample, upstreams: sample.upstreams.map((each) => ({ ...each, retries })) };
  const api = new CountedApi('nowhere');
  const slots = {
    scoring: [8501, 8502].map((port) => ({ rest: { host: '127.0.0.1', port }, isUp: true })),
  };
  const log = (): void => undefined;
  const servers = new HeldSlots({ plan, slots, api, log, onChange: log });
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  const watch = new TrafficWatch({ plan, api, servers, clock, log });
  const look = async (afterMs: number): Promise<void> => {
    clock.nowMs += afterMs;
    await watch.look();
  };
  const [first, second] = api.replicas as [Counted, Counted];
  return { api, servers, look, first, second };
}

test('while a replica is passed over, the budget is weighed as ever', async () => {
  const { api, servers, look, first, second } = scene({ triesMax: 2, budgetPpm: 200_000 });
  second.well += 1000;
  await look(1000);
  for (let turn = 0; turn < 2; turn += 1) {
    Object.assign(first, { ill: first.ill + 6, tries: first.tries + 6 });
    await look(250);
  }
  assert.equal(servers.ejected.length, 1);
  assert.deepEqual(api.orders, []);
  // The other one fails, too: each call is tried again, far beyond a fifth.
  Object.assign(second, { ill: 500, tries: 500 });
  await look(250);
  assert.equal(servers.ejected.length, 1);
  assert.deepEqual(api.orders, ['set var proc.retry1 int(-1)']);
});

test('failures that come one a look, with looks between that see none, add up', async () => {
  const { servers, look, first, second } = scene({ triesMax: 1, budgetPpm: 0 });
  for (let turn = 0; turn < 5; turn += 1) {
    first.ill += 1;
    second.well += 50;
    await look(1000);
    second.well += 10;
    await look(250);
  }
  assert.deepEqual(servers.ejected, []);
  first.ill += 1;
  await look(1000);
  assert.deepEqual(servers.ejected, ['127.0.0.1:8501 -']);
});
