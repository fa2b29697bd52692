import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { readAudit } from '../../src/audit/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { openKeyStore, storePath } from '../../src/store/index.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { openedHere } from '../support/opened.ts';
import { codeOf, FaultGateway, present, until } from './harness/gateway.ts';
import { newKey, runKey } from './harness/keys.ts';
import { callOnce, counts, Load, type Outcome } from './harness/load.ts';
import { scoringLine, demoTarget as target } from './harness/texts.ts';

/** From a revocation to the last call that is let in. Milliseconds. */
const revokedMsMax = 1000;

const policy = `
version: 1
identity: { keys: { apiKeys: {} } }
groups:
  scorers: [ { keys: { name: [batch-scorer, leaked, rotated, short, store, orphan] } } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {} } }
rules:
  - { name: scorers predict, allow: [scorers], to: predict, at: scoring/demo }
  - { name: status is for all, allow: anyone, to: status, at: scoring/demo }
`;

const bearer = (key: string): string[] => ['authorization', `Bearer ${key}`];
const isGood = ({ status }: Outcome): boolean => status === 200;

for (const engine of present) suite(engine);

function suite(engine: EngineName): void {
  describe(`API keys on ${engine}`, () => {
    const opened = openedHere();
    const made: string[] = [];
    const words: string[] = [];
    let upstream: RecordingUpstream;
    let gateway: FaultGateway;

    before(async () => {
      upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
      gateway = await FaultGateway.make({ engine, policy, bindings: [scoringLine([upstream.port])] });
      opened.defer(() => gateway.remove());
      await gateway.start();
    });

    const create = async (name: string, more: readonly string[] = []): Promise<string> => {
      const key = await newKey(gateway, ['create', '--name', name, '--owner', 'tests', ...more]);
      made.push(key);
      return key;
    };
    const rotate = async (name: string, overlap: string): Promise<string> => {
      const key = await newKey(gateway, ['rotate', '--name', name, '--overlap', overlap]);
      made.push(key);
      return key;
    };
    const calls = (key: () => string): Load =>
      opened.use(new Load({ port: gateway.port, target, headers: () => bearer(key()) }));
    const kept = (loads: readonly Load[]) =>
      until(() => loads.every(({ outcomes }) => outcomes.filter(isGood).length > 20), { what: 'calls are let in' });

    test('a revoked key is let in no more within a second, whatever was kept', async (t) => {
      const key = await create('batch-scorer');
      const loads = [1, 2, 3].map(() => calls(() => key));
      await kept(loads);
      const store = openKeyStore(gateway.folder);
      const ids = store.list().flatMap(({ id, name }) => (name === 'batch-scorer' ? [id] : []));
      const revokedMs = performance.now();
      store.revoke(ids, { by: 'tests', nowMs: Date.now() });
      await until(() => loads.every(({ outcomes }) => outcomes.at(-1)?.status === 401), { what: 'refused' });
      const outcomes = (await Promise.all(loads.map((load) => load.stop()))).flat();
      store.close();
      const late = Math.max(...outcomes.filter(isGood).map(({ startedMs }) => startedMs - revokedMs));
      t.diagnostic(`the last call that was let in began ${late.toFixed(0)} ms after it (${counts(outcomes)})`);
      assert.ok(late <= revokedMsMax, `let in ${late} ms after the revocation`);
      const others = outcomes.filter(({ status }) => status !== 200 && status !== 401);
      assert.deepEqual(
        others.map(({ error, status }) => error ?? status),
        [],
      );
      const answer = outcomes.at(-1)?.answer;
      assert.equal(answer && codeOf(answer), 'credential-unknown');
    });

    test('a leaked key is revoked by itself, and the engine has confirmed', async () => {
      const key = await create('leaked');
      const load = calls(() => key);
      await kept([load]);
      const line = `2026-11-21 GET / authorization: Bearer ${key} 200\n`;
      const run = await runKey(gateway, ['revoke', '--stdin', '--json'], line);
      words.push(run.words, run.out, run.err);
      assert.equal(run.code, 0, run.err);
      const told = JSON.parse(run.out) as { confirmed: boolean; engines: { engine: string; afterMs: number }[] };
      assert.equal(told.confirmed, true);
      assert.deepEqual(
        told.engines.map((each) => each.engine),
        [engine],
      );
      assert.ok(told.engines.every(({ afterMs }) => afterMs <= revokedMsMax));
      const confirmedMs = performance.now();
      await until(() => load.since(confirmedMs).length > 5, { what: 'calls after the confirmation' });
      assert.deepEqual([...new Set(load.since(confirmedMs).map(({ status }) => status))], [401]);
      await load.stop();
      const again = await runKey(gateway, ['revoke', '--stdin'], line);
      assert.match(again.out, /was revoked before[\s\S]*^confirmed by/m);
      const slip = await runKey(gateway, ['revoke', '--stdin'], key.slice(0, -1));
      assert.equal(slip.code, 2);
      assert.match(slip.err, /not a whole one/);
      const inWords = await runKey(gateway, ['revoke', 'hgk_000']);
      assert.match(inWords.err, /a key itself, not its id/);
    });

    test('a rotation under load refuses nobody', async (t) => {
      let current = await create('rotated');
      let lagging = current;
      const quick = calls(() => current);
      const behind = calls(() => lagging);
      await kept([quick, behind]);
      for (let turn = 0; turn < 2; turn += 1) {
        const old = current;
        current = await rotate('rotated', '1h');
        const taken = quick.outcomes.length;
        await until(() => quick.outcomes.length > taken + 20, { what: 'calls with the new key' });
        lagging = current;
        const moved = behind.outcomes.length;
        await until(() => behind.outcomes.length > moved + 5, { what: 'everybody has moved' });
        const run = await runKey(gateway, ['revoke', idOf(old)]);
        assert.equal(run.code, 0, run.err);
      }
      const outcomes = [...(await quick.stop()), ...(await behind.stop())];
      t.diagnostic(`two rotations under load: ${counts(outcomes)}`);
      assert.deepEqual(
        outcomes.filter((outcome) => !isGood(outcome)).map(({ answer, error }) => error ?? answer?.body),
        [],
      );
    });

    test('after its overlap the old key has expired, though it was kept for longer', async () => {
      const old = await create('short');
      const load = calls(() => old);
      await kept([load]);
      const fresh = await rotate('short', '1s');
      await until(() => load.outcomes.at(-1)?.status === 401, { what: 'the old key has expired', withinMs: 3000 });
      const { answer } = (await load.stop()).at(-1) ?? {};
      assert.equal(answer && codeOf(answer), 'credential-expired');
      assert.equal((await callOnce({ port: gateway.port, target, headers: () => bearer(fresh) })).status, 200);
    });

    test('a store that breaks lets no key in, and stands in the way of nobody else', async () => {
      const key = await create('store');
      const call = () => callOnce({ port: gateway.port, target, headers: () => bearer(key) });
      const open = () => callOnce({ port: gateway.port, method: 'GET', target: '/v1/models/demo', headers: () => [] });
      const [path, folder] = [storePath(gateway.folder), join(gateway.folder, 'store')];
      renameSync(folder, `${folder}.away`);
      mkdirSync(folder);
      writeFileSync(path, 'this is no database'.repeat(100));
      const { status, answer } = await call();
      assert.deepEqual([status, answer && codeOf(answer)], [503, 'identity-unavailable']);
      assert.equal((await open()).status, 200);
      await until(async () => /"failing"/.test((await gateway.page('/status')).text), { what: 'status tells of it' });
      const listed = await runKey(gateway, ['list']);
      assert.equal(listed.code, 3);
      assert.match(listed.err, /can't be used[\s\S]*hint: restore it/);
      rmSync(folder, { recursive: true });
      renameSync(`${folder}.away`, folder);
      assert.equal((await call()).status, 200);
    });

    if (engine === 'haproxy') {
      test('what is revoked while the gate is away ends as soon as it is back', async (t) => {
        const key = await create('orphan');
        const loads = [1, 2].map(() => calls(() => key));
        await kept(loads);
        await gateway.kill9();
        const run = await runKey(gateway, ['revoke', '--name', 'orphan']);
        assert.equal(run.code, 1, run.out);
        assert.match(run.out, /is revoked\nNOT confirmed by haproxy: haproxy without its gateway/);
        await gateway.start();
        const readyMs = performance.now();
        await until(() => loads.every((load) => load.since(readyMs).length > 5), { what: 'calls after it' });
        const outcomes = (await Promise.all(loads.map((load) => load.stop()))).flat();
        const since = outcomes.filter(({ startedMs }) => startedMs >= readyMs);
        t.diagnostic(`in all ${counts(outcomes)}; since the gate is back ${counts(since)}`);
        assert.deepEqual([...new Set(since.map(({ status }) => status))], [401]);
      });
    }

    test('no key is in any file, log, answer or command line', async () => {
      await gateway.stop();
      const secrets = made.map((key) => key.slice(26, 58));
      const shown = [gateway.said, ...words, ...[...upstream.seen.values()].map((seen) => JSON.stringify(seen))];
      assert.ok(secrets.length >= 5 && shown.length > 100);
      for (const text of shown) assert.ok(!secrets.some((secret) => text.includes(secret)), 'shown');
      const acts = await actsIn(gateway.auditDirectory);
      for (const act of ['created', 'rotated', 'revoked']) assert.ok(acts.includes(act), act);
      const files = filesIn(gateway.folder);
      assert.ok(files.some((file) => file.endsWith('.sqlite')) && files.some((file) => file.endsWith('.ndjson')));
      for (const file of files) {
        const bytes = readFileSync(file);
        assert.ok(!secrets.some((secret) => bytes.includes(secret)), file);
      }
      assert.deepEqual((await gateway.audited()).findings, []);
      rmSync(join(gateway.folder, 'store'), { recursive: true });
    });
  });
}

/** What the audit trail says was done with keys. */
async function actsIn(directory: string): Promise<string[]> {
  const acts: string[] = [];
  for await (const event of readAudit(directory)) {
    if (event.kind !== 'key') continue;
    assert.ok(event.by === userInfo().username || event.by === 'tests');
    acts.push(event.act);
  }
  return acts;
}

/** The part of a key that is no secret. */
function idOf(key: string): string {
  return key.slice(4, 26);
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}
