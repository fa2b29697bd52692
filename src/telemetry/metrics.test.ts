import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { chainedCalls } from '../audit/testing/chained-calls.ts';
import type { AuditCore, AuditTiming, ChainedCalls, HeldCore } from '../audit/types.ts';
import { createMetrics } from './metrics.ts';
import { metrics as rows, seriesMax, unnamedVersionsMax } from './names.ts';

/** A block of one call. */
function record(change: Partial<AuditCore>, totalMs = 4, { held, ...timing }: Told = {}): ChainedCalls {
  const whole = { ...exampleRecord(1, change), timing: { totalMs, ...timing } };
  return chainedCalls([{ ...whole, ...(held && { held }) }]);
}

interface Told extends Partial<AuditTiming> {
  /** Its core, where it is held already. */
  readonly held?: HeldCore;
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

test('times to the first byte and in queues are of the calls that have them; exceeded limits by rule', async () => {
  const metrics = createMetrics();
  metrics.observe(record({}, 9, { upstreamMs: 7, queueMs: 300 }));
  metrics.observe(record({}, 9, { upstreamMs: 0 }));
  metrics.observe(record({ outcome: 'deny', reason: 'limit-exceeded', status: 429 }));
  const labels = 'service="scoring",model="finance-prod"';
  assert.deepEqual(await samples(metrics, 'headgate_upstream_first_byte_seconds_count'), [
    `headgate_upstream_first_byte_seconds_count{${labels},version="",operation="predict"} 2`,
  ]);
  assert.deepEqual(await samples(metrics, 'headgate_queue_wait_seconds_sum'), [
    `headgate_queue_wait_seconds_sum{${labels}} 0.3`,
  ]);
  assert.deepEqual(await samples(metrics, 'headgate_limited_total'), [
    'headgate_limited_total{rule="finance scores with its own models"} 1',
  ]);
  const outcomes = await samples(metrics, 'headgate_request_duration_seconds_count');
  assert.deepEqual(
    outcomes.map((line) => line.slice(line.indexOf('outcome='))),
    ['outcome="allow"} 2', 'outcome="deny"} 1'],
  );
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
    remembered.observe(record(core, 4, { held: known }));
  }
  const ofCalls = /^headgate_(requests|decisions|limited|request_duration|upstream)_/;
  const told = async (metrics: ReturnType<typeof createMetrics>): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => ofCalls.test(line));
  assert.ok((await told(plain)).length > 40);
  assert.deepEqual(await told(remembered), await told(plain));
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
    const found: Record<string, number> = {};
    for (const line of lines) {
      const version = /version="([^"]*)"/.exec(line)?.[1] ?? '?';
      found[version] = (found[version] ?? 0) + Number(line.split(' ').at(-1));
    }
    return found;
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
    if (unit !== '1') assert.ok(name.replace(/_total$/, '').endsWith(`_${unit}`), name);
  }
});
