import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { openDemo } from './harness/demo.ts';
import { codeOf, type FaultGateway, present, until } from './harness/gateway.ts';
import { counts, Load } from './harness/load.ts';
import { openSmallDisk, type SmallDisk } from './harness/small-disk.ts';
import { demoTarget } from './harness/texts.ts';

/** "Within 1 s" of DESIGN.md, and what a busy machine adds. */
const shutMsMax = 2500;
const openMsMax = 5000;
/** Calls go on for so long while the disk is full. */
const fullMs = 1500;

interface Scene {
  readonly gateway: FaultGateway;
  readonly disk: SmallDisk;
  readonly load: Load;
}

describe('a disk that takes no more records', () => {
  for (const engine of present) {
    test(`record: required shuts admission, and opens it again, on ${engine}`, async (t) => {
      await scene(
        engine,
        'required',
        async ({ gateway, disk, load }) => {
          await disk.fill(gateway.pid);
          const fullAtMs = performance.now();
          const isShut = () => load.outcomes.slice(-10).every(({ status }) => status === 503);
          const shutMs = await until(isShut, { what: 'admission is shut', withinMs: 10_000 });
          const shutAtMs = performance.now();
          await until(() => load.since(shutAtMs).length > 100, { what: 'more calls' });
          const { ready, audit } = await gateway.status();
          const whileShut = load.since(shutAtMs);
          await disk.empty(gateway.pid);
          const openMs = await until(() => load.outcomes.at(-1)?.status === 200, { what: 'open', withinMs: 10_000 });
          const openAtMs = performance.now();
          await until(() => load.since(openAtMs).length > 50, { what: 'more calls' });
          const later = load.since(openAtMs);
          const passed = load.since(fullAtMs).filter(({ status, startedMs }) => status === 200 && startedMs < shutAtMs);
          t.diagnostic(
            `${disk.kind}: shut after ${shutMs.toFixed(0)} ms (${passed.length} calls passed in it), open again after ${openMs.toFixed(0)} ms`,
          );
          t.diagnostic(
            `while shut: ${counts(whileShut)}; then: ${counts(later)}; ready while shut: ${ready}, audit: ${audit.state}`,
          );
          assert.ok(shutMs < shutMsMax, `shut after ${shutMs} ms`);
          assert.ok(openMs < openMsMax, `open after ${openMs} ms`);
          assert.equal(ready, false);
          for (const { status, answer, error } of whileShut) {
            assert.equal(status, 503, error ?? answer?.body);
            assert.ok(answer !== undefined && codeOf(answer) === 'audit-unavailable', answer?.body);
            assert.ok(answer.headers.includes('retry-after'));
          }
          assert.deepEqual(
            later.filter(({ status }) => status !== 200),
            [],
          );
        },
        t.diagnostic.bind(t),
      );
    });

    test(`record: best-effort goes on, and what is lost shows, on ${engine}`, async (t) => {
      await scene(
        engine,
        'best-effort',
        async ({ gateway, disk, load }) => {
          await disk.fill(gateway.pid);
          const fullAtMs = performance.now();
          await new Promise((resolve) => setTimeout(resolve, fullMs));
          const { audit } = await gateway.status();
          const metrics = (await gateway.page('/metrics')).text;
          await disk.empty(gateway.pid);
          const emptyAtMs = performance.now();
          await until(() => load.since(emptyAtMs).length > 50, { what: 'more calls' });
          const full = load.since(fullAtMs);
          const writing = async () => (await gateway.status()).audit.state === 'ok';
          await until(writing, { what: 'the audit records again', withinMs: 10_000 });
          t.diagnostic(`${disk.kind}: ${counts(full)}; audit: ${audit.state}: ${audit.reason}`);
          t.diagnostic(
            `metrics: ${metrics
              .split('\n')
              .filter((line) => /^headgate_audit/.test(line))
              .join('; ')}`,
          );
          assert.deepEqual(
            full.filter(({ status }) => status !== 200),
            [],
          );
          assert.equal(audit.state, 'failing');
        },
        t.diagnostic.bind(t),
      );
    });
  }
});

async function scene(
  engine: EngineName,
  record: 'required' | 'best-effort',
  work: (scene: Scene) => Promise<void>,
  say: (text: string) => void,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const disk = opened.adopt(await openSmallDisk(), (it) => it.close());
  const { issuer, gateway } = await openDemo(opened, { engine, record, folder: disk.folder });
  const credential = issuer.credential('alice');
  await gateway.start();
  const load = opened.use(new Load({ port: gateway.port, target: demoTarget, headers: () => credential }));
  await until(() => load.outcomes.length > 20, { what: 'calls' });
  await work({ gateway, disk, load });
  const answered = (await load.stop()).filter(({ status }) => status !== 0);
  await gateway.stop();
  const { findings, events, ids } = await gateway.audited();
  const allowed = answered.filter(({ status }) => status === 200);
  const unrecorded = allowed.filter(({ requestId }) => !ids.has(requestId)).length;
  const gaps = findings.filter((finding) => finding.startsWith('record-missing'));
  say(
    `audit: ${events} events; findings: ${findings.slice(0, 3).join('; ') || 'none'}; ${unrecorded} of ${allowed.length} permitted calls without a record`,
  );
  // INVARIANT: what is lost is never lost in silence.
  assert.ok(unrecorded === 0 || gaps.length > 0, 'records are missing and verify reports no gap');
}
