import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
import { openDemo } from './harness/demo.ts';
import { type FaultGateway, type FaultStatus, present, until } from './harness/gateway.ts';
import type { FaultIssuer } from './harness/issuer.ts';
import { counts, Load, type Outcome } from './harness/load.ts';
import { demoPolicy, demoTarget } from './harness/texts.ts';

const changes = 6;
/** How long calls go on under each policy. */
const stayMs = 300;

/** `demoPolicy`, under which `carol` is denied. */
const denying = demoPolicy
  .replace('groups:', 'groups:\n  denied: [ { staff: { group: denied } } ]')
  .replace('rules:', 'rules:\n  - { name: not these, deny: [denied], to: any, at: scoring/demo }');
/** A change of structure beside that of access: another model, another limit. */
const limiting = demoPolicy
  .replace('demo: {}', 'demo: {}, other: {}')
  .replace('at: scoring/demo }', 'at: scoring/demo, limits: [ { rate: 100000/s, per: caller } ] }');
const broken = {
  'not YAML': 'version: 1\nrules: [',
  'an unknown model': demoPolicy.replace('at: scoring/demo', 'at: scoring/demmo'),
  empty: '',
};

for (const engine of present) describe(`changes of the policy under load, on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let gateway: FaultGateway;
  let always: Load[];
  let sometimes: Load[];

  before(async () => {
    ({ issuer, gateway } = await openDemo(opened, { engine }));
    await gateway.start();
    const load = (headers: () => readonly string[]) =>
      opened.use(new Load({ port: gateway.port, target: demoTarget, headers }));
    const [alice, bob] = [issuer.credential('alice'), issuer.credential('bob')];
    always = [load(() => alice), load(() => bob), load(() => issuer.credential('bob'))];
    const carol = issuer.credential('carol', { groups: ['users', 'denied'] });
    sometimes = [load(() => carol), load(() => carol)];
  });

  test('a good change takes effect without a failed call, and none is decided by the old policy after it', async (t) => {
    const tookMs: number[] = [];
    const stale: Outcome[] = [];
    let decided = 0;
    for (let change = 0; change < changes; change += 1) {
      const denies = change % 2 === 0;
      await gateway.writePolicy(denies ? denying : change % 4 === 1 ? limiting : demoPolicy);
      tookMs.push(await taken(gateway));
      // The answer of /status has come: whatever is called from now on is decided by the new policy.
      const confirmedMs = performance.now();
      await sleep(stayMs);
      const since = sometimes.flatMap((load) => load.since(confirmedMs));
      decided += since.length;
      stale.push(...since.filter(({ status }) => status !== (denies ? 403 : 200)));
    }
    const outcomes = always.flatMap((load) => load.outcomes);
    t.diagnostic(`${changes} changes, in force after ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    t.diagnostic(
      `allowed by each policy: ${counts(outcomes)}; decided after it was confirmed: ${decided}, by the old one: ${stale.length}`,
    );
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 200).map(({ error, answer }) => error ?? answer?.body),
      [],
    );
    assert.deepEqual(
      stale.map(({ status, error }) => error ?? status),
      [],
    );
    assert.ok(decided > changes * 10);
  });

  for (const [name, text] of Object.entries(broken)) {
    test(`a broken file (${name}) leaves the policy from before in force, and says so`, async (t) => {
      const before = await gateway.status();
      const saidBefore = gateway.said.length;
      const beganMs = performance.now();
      await gateway.writePolicy(text);
      const status = await reloaded(gateway, before);
      await sleep(stayMs);
      const outcomes = always.flatMap((load) => load.since(beganMs));
      const said = gateway.said.slice(saidBefore);
      t.diagnostic(
        `${counts(outcomes)}; /status: ${status.reload?.outcome}, ${status.reload?.diagnostics.length} diagnostics`,
      );
      assert.equal(status.reload?.outcome, 'rejected');
      assert.ok((status.reload?.diagnostics.length ?? 0) > 0);
      assert.equal(status.epoch, before.epoch);
      assert.equal(status.ready, true);
      assert.match(said, /change not taken up, the policy from before stays in force/);
      assert.match(said, /headgate\.yaml/);
      assert.deepEqual(
        outcomes.filter(({ status: code }) => code !== 200),
        [],
      );
      // What is right again is taken up.
      await gateway.writePolicy(`${demoPolicy}# after ${name}\n`);
      await taken(gateway);
    });
  }

  test('the trail is whole', async (t) => {
    const outcomes = (await Promise.all([...always, ...sometimes].map((load) => load.stop()))).flat();
    await gateway.stop();
    const { findings, ids, events } = await gateway.audited();
    const unrecorded = outcomes.filter(({ status, requestId }) => status !== 0 && ids.get(requestId) !== 1);
    t.diagnostic(
      `${events} events, ${findings.length} findings; ${unrecorded.length} of ${outcomes.length} answers not recorded`,
    );
    assert.deepEqual(findings, []);
    assert.equal(unrecorded.length, 0);
  });
}

async function reloaded(gateway: FaultGateway, before: FaultStatus): Promise<FaultStatus> {
  let status = before;
  await until(
    async () => {
      status = await gateway.status();
      return status.reload !== undefined && status.reload.at !== before.reload?.at;
    },
    { what: 'the files are read again', withinMs: 10_000 },
  );
  return status;
}

/** Waits until the change that was just written is in force. Milliseconds. */
async function taken(gateway: FaultGateway): Promise<number> {
  const beganMs = performance.now();
  const { reload } = await reloaded(gateway, await gateway.status());
  assert.equal(reload?.outcome, 'taken', reload?.message);
  return performance.now() - beganMs;
}
