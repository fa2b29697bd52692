import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { heldCore } from '../audit/index.ts';
import type { AuditCore, ChainedCalls, HeldCore } from '../audit/types.ts';
import { createMetrics } from './metrics.ts';
import { metrics as rows, seriesMax, unnamedVersionsMax } from './names.ts';

/** A block of one call. `held`: its core, where it is held already. */
function record(change: Partial<AuditCore>, totalMs = 4, held?: HeldCore): ChainedCalls {
  const whole = { ...exampleRecord(1, change), timing: { totalMs } };
  const { status, traceId, ...core } = whole.core;
  const calls = { count: 1, statuses: [status], totalsMs: [totalMs], cores: [held ?? heldCore(core)] };
  return { ...calls, record: () => whole };
}

async function samples(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const text = await metrics.text();
  return text.split('\n').filter((line) => line.startsWith(name));
}

test('calls are counted by service, model, version, operation, status, outcome; decisions by rule and reason', async () => {
  const metrics = createMetrics();
  for (let call = 0; call < 3; call += 1) metrics.observe(record({}));
  metrics.observe(record({ outcome: 'deny', reason: 'no-rule-allows', status: 403, rule: null }));
  const labels = 'service="scoring",model="finance-prod",version="",operation="predict"';
  assert.deepEqual(await samples(metrics, 'headgate_requests_total'), [
    `headgate_requests_total{${labels},status="200",outcome="allow"} 3`,
    `headgate_requests_total{${labels},status="403",outcome="deny"} 1`,
  ]);
  assert.deepEqual(await samples(metrics, 'headgate_decisions_total'), [
    'headgate_decisions_total{outcome="allow",reason="rule-allows",rule="finance scores with its own models"} 3',
    'headgate_decisions_total{outcome="deny",reason="no-rule-allows",rule=""} 1',
  ]);
});

test('durations fall into cumulative buckets of seconds', async () => {
  const metrics = createMetrics();
  for (const totalMs of [0.5, 0.6, 4, 70_000]) metrics.observe(record({}, totalMs));
  const lines = await samples(metrics, 'headgate_request_duration_seconds');
  const bucket = (le: string): string | undefined => lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1];
  assert.deepEqual(['0.0005', '0.001', '0.005', '60', '+Inf'].map(bucket), ['1', '2', '3', '3', '4']);
  assert.equal(lines.find((line) => line.includes('_count'))?.split(' ')[1], '4');
  assert.equal(lines.find((line) => line.includes('_sum'))?.split(' ')[1], '70.0051');
});

test('what a held core remembers gives the same figures as what it does not', async () => {
  const [plain, remembered] = [createMetrics(), createMetrics()];
  const cores: Partial<AuditCore>[] = [{}, { status: 500 }, {}, { model: 'dialogue' }, { status: 0 }];
  const held = new Map<string, HeldCore>();
  for (const core of cores) {
    const one = record(core);
    plain.observe(one);
    const known = held.get(core.model ?? '') ?? (one.cores[0] as HeldCore);
    held.set(core.model ?? '', known);
    remembered.observe(record(core, 4, known));
  }
  assert.equal(await remembered.text(), await plain.text());
});

test("a caller's own words make no series, and series are bounded", async () => {
  const metrics = createMetrics();
  const before = [
    'resource-unknown',
    'credential-missing',
    'credential-expired',
    'identity-unavailable',
    'audit-unavailable',
  ] as const;
  for (const reason of before) {
    metrics.observe(record({ outcome: 'deny', reason, rule: null, model: `x"}\n${reason}`, status: 403 }));
  }
  const [only, ...others] = await samples(metrics, 'headgate_requests_total');
  assert.match(only ?? '', /model="".* 5$/);
  assert.deepEqual(others, []);
  for (let model = 0; model < seriesMax + 500; model += 1) metrics.observe(record({ model: `m${model}` }));
  const lines = await samples(metrics, 'headgate_requests_total');
  assert.ok(lines.length <= seriesMax + 2, `${lines.length} series`);
  const total = lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  assert.equal(total, seriesMax + 500 + before.length);
});

test('versions: named ones by number, few others by theirs, and what no rule let through is told apart by nothing', async () => {
  const metrics = createMetrics();
  const versions = async (): Promise<Record<string, number>> => {
    const lines = await samples(metrics, 'headgate_request_duration_seconds_count');
    return Object.fromEntries(
      lines.map((line) => [/version="([^"]*)"/.exec(line)?.[1], Number(line.split(' ').at(-1))]),
    );
  };
  metrics.observe(record({ version: '3', versionName: 'stable' }));
  metrics.observe(
    record({ version: '4', versionName: 'canary', outcome: 'deny', reason: 'no-rule-allows', rule: null }),
  );
  metrics.observe(record({ version: '77', outcome: 'deny', reason: 'no-rule-allows', rule: null }));
  metrics.observe(record({ version: '78', outcome: 'deny', reason: 'rule-denies' }));
  metrics.observe(record({ version: null, outcome: 'deny', reason: 'version-unknown', rule: null }));
  assert.deepEqual(await versions(), { '': 1, 3: 1, 4: 1, other: 2 });
  for (let number = 100; number < 200; number += 1) metrics.observe(record({ version: String(number) }));
  const found = await versions();
  assert.equal(Object.keys(found).length, 4 + unnamedVersionsMax);
  assert.equal(found.other, 2 + 100 - unnamedVersionsMax);
  assert.equal(found['100'], 1);
});

test('gauges are what was set last; counters of the audit go on over restarts', async () => {
  const metrics = createMetrics();
  metrics.setAudit({ state: 'failing', reason: 'ENOSPC', position: 70, unreadable: 2, behindBytes: 9, lagMs: 1500 });
  metrics.setKeptDecisions(12);
  metrics.setBuildInfo({ version: '0.1.0', engine: 'embedded', environment: 'dev' });
  const text = await metrics.text();
  for (const line of [
    'headgate_audit_events_total 70',
    'headgate_audit_unreadable_lines_total 2',
    'headgate_audit_lag_seconds 1.5',
    'headgate_audit_behind_bytes 9',
    'headgate_audit_recording 0',
    'headgate_kept_decisions 12',
    'headgate_build_info{version="0.1.0",engine="embedded",environment="dev"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

test('every metric is in the table, named as Prometheus would have it', async () => {
  const text = await createMetrics().text();
  const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  assert.deepEqual(
    told.sort(),
    Object.values(rows)
      .map(({ name, type }) => `${name} ${type}`)
      .sort(),
  );
  for (const { name, type, unit } of Object.values(rows)) {
    assert.match(name, /^headgate_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (unit !== '1') assert.ok(name.endsWith(`_${unit}`), name);
  }
});
