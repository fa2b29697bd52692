import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { programPath } from '../../scripts/system-packages.mjs';
import type { EngineName } from '../../src/plan/types.ts';
import { readSamples, sumOf } from '../../src/telemetry/index.ts';
import { startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { FaultGateway, present, until } from '../faults/harness/gateway.ts';
import { FaultIssuer } from '../faults/harness/issuer.ts';
import { freePort } from '../faults/harness/ports.ts';
import { identityLine } from '../faults/harness/texts.ts';
import { openedHere } from '../support/opened.ts';

/** How many calls of each kind are made. */
const made = {
  allowed: 7,
  limited: 3,
  notAllowed: 4,
  missing: 2,
  expired: 2,
  unknown: 5,
  malformed: 2,
  down: 3,
} as const;
/** One more is what the limit lets through. */
const total = Object.values(made).reduce((sum, count) => sum + count, 1);

const policy = `
version: 1
identity:
  staff: { oidc: { audience: headgate, groupsClaim: groups } }
groups:
  users: [ { staff: { group: users } } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {}, rare: {}, other: {} } }
  gone: { protocol: tensorflow-serving, models: { demo: {} } }
rules:
  - { name: users predict, allow: [users], to: predict, at: scoring/demo }
  - { name: "seldom \\"and\\" slowly", allow: [users], to: predict, at: scoring/rare, limits: [ { rate: 1/h, burst: 1, per: rule } ] }
  - { name: nobody is there, allow: [users], to: predict, at: gone/demo }
`;

/** Names of HAProxy's own, which stay as people know them. */
const knownSlips = ['haproxy_process_failed_resolutions counter metrics should have "_total" suffix'];

test('promtool reads every query of the dashboard', (context) => {
  const promtool = programPath('promtool');
  assert.ok(promtool !== undefined, 'promtool is missing');
  const file = join(import.meta.dirname, '../../packaging/grafana/headgate.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: { targets: { expr: string }[] }[] };
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')));
  const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
  // JSON is YAML.
  const folder = mkdtempSync(join(tmpdir(), 'hg-promtool-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'rules.yaml');
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', path], { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.match(`${stdout}${stderr}`, new RegExp(`${queries.length} rules found`));
});

for (const engine of present) describe(`/metrics on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let gateway: FaultGateway;
  let page: string;
  let sum: (name: string, labels?: Readonly<Record<string, string>>) => number;

  before(async () => {
    const issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
    await issuer.up();
    const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
    const services = [
      'services:',
      `  scoring: { endpoints: [ { rest: 127.0.0.1:${upstream.port} } ] }`,
      `  gone: { endpoints: [ { rest: 127.0.0.1:${await freePort()} } ] }`,
    ];
    const bindings = [identityLine(issuer), ...services];
    const routes = ['{ path: /gone/**, service: gone, strip: true }', '{ service: scoring }'];
    gateway = opened.adopt(await FaultGateway.make({ engine, policy, bindings, routes }), (it) => it.remove());
    await gateway.start();
    await makeCalls(gateway, issuer);
    await until(async () => counted(await pageOf(gateway)) >= total, {
      what: 'all calls are counted',
      withinMs: 10_000,
    });
    page = await pageOf(gateway);
    const samples = readSamples(page);
    sum = (name, labels) => sumOf(samples, name, labels);
  });

  test('promtool has nothing to say of it', () => {
    const promtool = programPath('promtool');
    assert.ok(promtool !== undefined, 'promtool is missing');
    const { stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: page, encoding: 'utf8' });
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
    assert.deepEqual(
      said.filter((line) => !knownSlips.includes(line)),
      [],
    );
  });

  test('calls by status, by what decided them, by limit: the figures of the calls that were made', () => {
    const { allowed, limited, notAllowed, missing, expired, unknown, malformed, down } = made;
    const requests = (labels: Record<string, string>): number => sum('headgate_requests_total', labels);
    assert.equal(requests({}), total);
    assert.equal(requests({ status: '200', service: 'scoring', operation: 'predict', outcome: 'allow' }), allowed + 1);
    assert.equal(requests({ status: '401' }), missing + expired);
    assert.equal(requests({ status: '403' }), notAllowed + unknown);
    assert.equal(requests({ status: '429', model: 'rare' }), limited);
    assert.equal(requests({ status: '400' }), malformed);
    assert.equal(requests({ service: 'gone', outcome: 'deny' }), down);
    const decided = (labels: Record<string, string>): number => sum('headgate_decisions_total', labels);
    assert.equal(decided({ rule: 'users predict', reason: 'rule-allows' }), allowed);
    assert.equal(decided({ reason: 'no-rule-allows' }), notAllowed);
    assert.equal(decided({ reason: 'operation-unknown' }), unknown);
    assert.equal(decided({ reason: 'credential-missing' }), missing);
    assert.equal(decided({ reason: 'credential-expired' }), expired);
    assert.equal(decided({ rule: 'nobody is there', outcome: 'deny' }), down);
    assert.equal(sum('headgate_limited_total', { rule: 'seldom "and" slowly' }), limited);
  });

  test('times: every call has a whole, and those that a replica answered a first byte', () => {
    const whole = 'headgate_request_duration_seconds';
    assert.equal(sum(`${whole}_count`), total);
    assert.equal(sum(`${whole}_bucket`, { le: '+Inf', outcome: 'allow', model: 'demo' }), made.allowed);
    assert.equal(sum('headgate_upstream_first_byte_seconds_count', { service: 'scoring' }), made.allowed + 1);
    assert.equal(sum('headgate_upstream_first_byte_seconds_count', { service: 'gone' }), 0);
  });

  test('the gateway itself: questions, kept decisions, files, audit, process, build', () => {
    // What is allowed is kept: it was asked once for each rule.
    const asked = sum('headgate_gate_questions_total');
    assert.ok(asked >= 3 && asked <= total - (made.allowed - 1), `asked ${asked} times`);
    assert.ok(sum('headgate_kept_decisions') >= 2);
    assert.equal(sum('headgate_reloads_total'), 0);
    assert.equal(sum('headgate_files_in_force'), 1);
    const startedAgo = Date.now() / 1000 - sum('headgate_last_good_reload_timestamp_seconds');
    assert.ok(startedAgo > 0 && startedAgo < 600, `started ${startedAgo} s ago`);
    assert.equal(sum('headgate_audit_events_total'), total);
    assert.equal(sum('headgate_audit_recording'), 1);
    assert.ok(sum('headgate_process_cpu_seconds_total') > 0.05);
    assert.equal(sum('headgate_build_info', { engine, environment: 'dev' }), 1);
    assert.equal(sum('headgate_endpoint_state', { service: 'scoring', state: 'up' }), 1);
  });

  test("the proxy's own metrics stand on the same page", () => {
    const own = page.split('\n').filter((line) => line.startsWith('haproxy_'));
    assert.equal(sum('headgate_engine_metrics_up'), engine === 'haproxy' ? 1 : 0);
    if (engine !== 'haproxy') assert.deepEqual(own, []);
    else {
      const started = sum('haproxy_frontend_http_requests_total', { proxy: 'in.1' });
      assert.ok(started >= total, `${started} requests by its own count`);
      assert.ok(own.length > 100);
    }
  });

  test('a change that is rejected, and one that is taken, are counted', async () => {
    const reloads = async (outcome: string): Promise<number> =>
      sumOf(readSamples(await pageOf(gateway)), 'headgate_reloads_total', { outcome });
    await gateway.writePolicy('version: 1\nrules: [');
    await until(async () => (await reloads('rejected')) === 1, { what: 'the rejected one is counted' });
    assert.equal(sumOf(readSamples(await pageOf(gateway)), 'headgate_files_in_force'), 0);
    await gateway.writePolicy(`${policy}# changed\n`);
    await until(async () => (await reloads('taken')) === 1, { what: 'the taken one is counted', withinMs: 10_000 });
    assert.equal(sumOf(readSamples(await pageOf(gateway)), 'headgate_files_in_force'), 1);
  });
}

async function makeCalls(gateway: FaultGateway, issuer: FaultIssuer): Promise<void> {
  const alice = issuer.credential('alice');
  const expired = issuer.credential('alice', { iat: 1_700_000_000, exp: 1_700_003_600 });
  const call = async (count: number, target: string, headers: readonly string[], status: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1)
      assert.equal((await gateway.send('POST', target, headers)).status, status);
  };
  const demo = '/v1/models/demo:predict';
  await call(made.allowed, demo, alice, 200);
  await call(1, '/v1/models/rare:predict', alice, 200);
  await call(made.limited, '/v1/models/rare:predict', alice, 429);
  await call(made.notAllowed, '/v1/models/other:predict', alice, 403);
  await call(made.missing, demo, [], 401);
  await call(made.expired, demo, expired, 401);
  await call(made.unknown, '/v1/nothing', alice, 403);
  await call(made.malformed, '/v1//models/demo:predict', alice, 400);
  for (let left = made.down; left > 0; left -= 1) {
    assert.ok((await gateway.send('POST', `/gone${demo}`, alice)).status >= 502);
  }
}

async function pageOf(gateway: FaultGateway): Promise<string> {
  const { status, text } = await gateway.page('/metrics');
  assert.equal(status, 200);
  return text;
}

function counted(page: string): number {
  return sumOf(readSamples(page), 'headgate_requests_total');
}
