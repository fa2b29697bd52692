import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openedHere } from '../../test/support/opened.ts';
import { type RunningHeadgate, startHeadgate } from '../control/index.ts';
import { openWorkshop, statusPolicy, type Workshop } from '../control/testing/workshop.ts';
import { type Ran, runCli as run } from './testing/run-cli.ts';

const policy = [
  'version: 1',
  'identity: { staff: { oidc: { audience: headgate } } }',
  'groups: { scorers: [ { staff: { client: scorer } } ], leads: [ { staff: { group: leads } } ] }',
  'services: { scoring: { protocol: tensorflow-serving, models: { m: {} } } }',
  'rules:',
  '  - { name: scorers score, allow: [scorers], to: predict, at: scoring/m, limits: [ { rate: 10/s, burst: 20, per: caller } ] }',
  '  - { name: leads score, allow: [leads], to: predict, at: scoring/m, when: \'request.headers["x-region"] == "eu"\' }',
  '',
].join('\n');

describe('commands on files', () => {
  const opened = openedHere();
  let workshop: Workshop;
  let files: string[];

  before(async () => {
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    await workshop.writePolicy(policy);
    const text = await readFile(workshop.environmentFile, 'utf8');
    await workshop.writeEnvironment(`${text}identity: { staff: { issuer: http://127.0.0.1:9 } }\n`);
    files = ['-p', workshop.policyFile, '-e', workshop.environmentFile];
  });

  test('check: good files', async () => {
    const { code, out, err } = await run('check', ...files);
    assert.deepEqual([code, err], [0, '']);
    assert.match(
      out,
      /: good\n {2}2 rules in dev, 1 service, 1 model; embedded engine; epoch [0-9a-f]{16}\n {2}audit required: /,
    );
    assert.deepEqual(await run('check', '--json', ...files), { code: 0, out: '[]\n', err: '' });
  });

  test('check --lock: written, and held true where CI says so', async () => {
    const folder = join(workshop.folder, 'locked');
    await mkdir(join(folder, 'environments'), { recursive: true });
    const [locked, lock] = [join(folder, 'headgate.yaml'), join(folder, 'access.lock')];
    await writeFile(locked, policy);
    const none = await run('check', '--lock', '-p', locked);
    assert.deepEqual([none.code, none.out], [2, '']);
    assert.match(none.err, /there is no environment in/);
    await writeFile(join(folder, 'environments/dev.yaml'), await readFile(workshop.environmentFile, 'utf8'));
    assert.equal((await run('check', '--lock', '--ci', '-p', locked)).code, 1);
    assert.equal((await run('check', '--lock', '--no-ci', '-p', locked)).code, 0);
    assert.match(
      await readFile(lock, 'utf8'),
      /allow scoring\/m predict: staff client "scorer" \(scorers\) by “scorers score”/,
    );
    assert.equal((await run('check', '--lock', '--ci', '-p', locked)).code, 0);
    const json = await run('check', '--lock', '--ci', '--json', '-p', locked);
    assert.deepEqual(json, { code: 0, out: '[]\n', err: '' });
  });

  test('check: broken files, all mistakes at once, for people and for programs', async () => {
    const broken = join(workshop.folder, 'broken.yaml');
    await writeFile(broken, policy.replace('to: predict', 'to: perdict').replace('[leads]', '[laeds]'));
    const people = await run('check', '-p', broken, '-e', workshop.environmentFile);
    assert.deepEqual([people.code, people.out], [1, '']);
    assert.match(people.err, /perdict/);
    assert.match(people.err, /laeds/);
    assert.match(people.err, /2 errors, 1 warning/);
    const programs = await run('check', '--json', '-p', broken, '-e', workshop.environmentFile);
    assert.equal(programs.code, 1);
    const found = JSON.parse(programs.out) as { severity: string }[];
    assert.deepEqual(
      found.map(({ severity }) => severity),
      ['warning', 'error', 'error'],
    );
  });

  test('what is not understood is 2, with what to write instead', async () => {
    assert.equal((await run('chekc')).code, 2);
    const missing = await run('check', '-p', 'none.yaml');
    assert.deepEqual(
      [missing.code, missing.err],
      [2, "headgate: can't read the policy none.yaml: there is no such file\n  hint: --policy names the policy file\n"],
    );
    const engine = await run('check', '--engine', 'nginx', ...files);
    assert.deepEqual(
      [engine.code, engine.err],
      [2, 'headgate: there is no engine nginx\n  hint: it is one of embedded, haproxy\n'],
    );
    assert.equal((await run('--help')).code, 0);
  });

  test('compile: the Plan, the same each time, to stdout or into a folder', async () => {
    const { code, out } = await run('compile', ...files);
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { environment: string }).environment, 'dev');
    assert.equal((await run('compile', ...files)).out, out);
    const folder = join(workshop.folder, 'out');
    await mkdir(folder);
    assert.equal((await run('compile', '--out', folder, ...files)).code, 0);
    assert.equal(await readFile(join(folder, 'plan.json'), 'utf8'), out);
  });

  const explain = (...args: string[]): Promise<Ran> => run('explain', ...files, ...args);

  test('explain: allowed, by which rule, with which limits', async () => {
    const { code, out } = await explain('--as', 'staff:client=scorer', '--call', 'POST /v1/models/m:predict');
    assert.equal(code, 0);
    assert.match(out, /^allowed by “scorers score” \(.*headgate\.yaml:6\)\n/);
    assert.match(out, /limits {2}10\/s, burst 20, per caller/);
    assert.match(out, /→ allow scorers score .* decides/);
    assert.match(out, /leads score .* caller is not in leads/);
  });

  test('explain: a person is not the machine of the same name', async () => {
    const { code, out } = await explain('--as', 'staff:scorer', '--call', 'POST /v1/models/m:predict');
    assert.equal(code, 1);
    assert.match(out, /^refused: 403 no-rule-allows/);
  });

  test('explain: conditions read the header that is given', async () => {
    const leads = ['--as', 'staff:lena', '--groups', 'leads', '--call', 'POST /v1/models/m:predict'];
    assert.equal((await explain(...leads, '--header', 'X-Region: eu')).code, 0);
    const without = await explain(...leads, '--header', 'X-Region: us', '--json');
    assert.equal(without.code, 1);
    const { reason, rules } = JSON.parse(without.out) as { reason: string; rules: { lacks: string[] }[] };
    assert.equal(reason, 'no-rule-allows');
    assert.match(rules[1]?.lacks[0] ?? '', /condition is false/);
  });

  test('explain: refusals before any rule', async () => {
    const cases = [
      ['POST /v1/models/m:predict', '401 credential-missing'],
      ['POST /v1/models/../m:predict', '400 path-not-canonical'],
      ['POST /v1/models/m:explode', '403 operation-unknown'],
      ['DELETE /v1/models/m', '405 method-not-allowed'],
    ];
    for (const [call = '', told = ''] of cases) {
      const { code, out } = await explain('--call', call);
      assert.deepEqual([code, out.includes(told)], [1, true], `${call}: ${out}`);
    }
  });

  test('explain: a token from a file is verified, and never shown', async () => {
    const file = join(workshop.folder, 'token');
    await writeFile(file, 'not-a-token\n');
    const { code, out } = await explain('--token-file', file, '--call', 'POST /v1/models/m:predict');
    assert.equal(code, 1);
    assert.match(out, /401 credential-malformed/);
    assert.ok(!out.includes('not-a-token'));
  });

  test('explain: what cannot be read is said', async () => {
    const cases: [string[], RegExp][] = [
      [['--as', 'alice'], /--as alice can't be read/],
      [['--as', 'cluster:alice'], /no identity cluster\n {2}hint: it has staff/],
      [['--groups', 'a'], /--groups goes with a caller who is known/],
      [['--at', 'noon'], /--at noon is not a time/],
      [['--listener', 'private'], /no listener private\n {2}hint: there is public/],
      [['--header', 'x-region'], /--header x-region can't be read/],
      [['--token-file', 'none'], /can't read the token file none/],
    ];
    for (const [args, told] of cases) {
      const { code, err } = await explain('--call', 'GET /v1/models/m', ...args);
      assert.equal(code, 2);
      assert.match(err, told);
    }
    assert.equal((await explain('--call', 'nonsense')).code, 2);
    assert.equal((await explain()).code, 2);
  });
});

describe('commands on a gateway at work', () => {
  const opened = openedHere();
  let workshop: Workshop;
  let headgate: RunningHeadgate;

  before(async () => {
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    await workshop.writePolicy(statusPolicy);
    headgate = await startHeadgate({ ...workshop, log: () => undefined });
    opened.defer(() => headgate.stop(1000));
    const { host, port } = headgate.addresses.public ?? assert.fail('no listener');
    for (const path of ['', '/metadata']) await (await fetch(`http://${host}:${port}/v1/models/m${path}`)).text();
    await headgate.flushAudit();
  });

  test('status: how it is, for people and for programs', async () => {
    const admin = ['--admin', `${headgate.admin.host}:${headgate.admin.port}`];
    const people = await run('status', ...admin);
    assert.equal(people.code, 0);
    assert.match(people.out, /state {13}ready\n/);
    assert.match(people.out, /\(required\): recording, 2 events/);
    const programs = await run('status', '--json', ...admin);
    assert.equal((JSON.parse(programs.out) as { ready: boolean }).ready, true);
  });

  test('status: nobody there is 3', async () => {
    const { code, err } = await run('status', '--admin', '127.0.0.1:1');
    assert.equal(code, 3);
    assert.match(err, /no answer from the admin address 127\.0\.0\.1:1: .*ECONNREFUSED.*\n {2}hint: is Headgate up\?/);
  });

  test('audit: sentences, filters, JSON', async () => {
    const place = ['-e', workshop.environmentFile];
    const all = await run('audit', ...place);
    assert.equal(all.code, 0);
    assert.match(all.out, /asked for the status of m: allowed by "status is for all" \(.*headgate\.yaml:4\), 200 in /);
    assert.match(all.out, /wanted to ask for the metadata of m: refused \(401\)/);
    assert.equal((await run('audit', '--outcome', 'deny', ...place)).out.trim().split('\n').length, 1);
    const json = await run('audit', '--json', '--last', '1', ...place);
    assert.equal((JSON.parse(json.out) as { position: number }).position, 2);
    const none = await run('audit', '--model', 'other', ...place);
    assert.deepEqual([none.code, none.out], [0, '']);
    assert.match(none.err, /no such calls/);
    assert.equal((await run('audit', '--outcome', 'maybe', ...place)).code, 2);
    assert.equal((await run('audit', '--since', 'yesterday', ...place)).code, 2);
  });

  test('audit: a folder without one is said', async () => {
    for (const verb of [['audit'], ['audit', 'verify']]) {
      const { code, err } = await run(...verb, '-d', join(workshop.folder, 'none'));
      assert.equal(code, 2);
      assert.match(err, /^headgate: there is no audit in .*none\n {2}hint: /);
    }
  });

  test('audit verify: intact, or what is not', async () => {
    const directory = join(workshop.folder, 'audit');
    const good = await run('audit', 'verify', '-d', directory);
    assert.equal(good.code, 0);
    assert.match(good.out, /: intact\n {2}2 calls /);
    const copy = join(workshop.folder, 'copy');
    await mkdir(copy);
    for (const name of (await readdir(directory)).filter((each) => each.endsWith('.ndjson'))) {
      const text = await readFile(join(directory, name), 'utf8');
      await writeFile(join(copy, name), text.replace('"status":401', '"status":200'));
    }
    const forged = await run('audit', 'verify', '-d', copy);
    assert.equal(forged.code, 1);
    assert.match(forged.out, /NOT intact/);
  });
});
