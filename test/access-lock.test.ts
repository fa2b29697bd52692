import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkLock } from '../src/cli/check-lock.ts';
import type { Terminal } from '../src/cli/terminal.ts';
import { lockFiles } from '../src/control/index.ts';

const goldens = join(import.meta.dirname, 'goldens/lock');
const update = process.env.HEADGATE_UPDATE_GOLDENS === '1';
const folder = mkdtempSync(join(tmpdir(), 'headgate-lock-'));
after(() => rmSync(folder, { recursive: true }));

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const policy = 'headgate.yaml';
const moved = `  - name: risk reads the ledger
    allow: risk-apps
    to: predict
    at: scoring/finance-credit
    from: 10.0.0.0/8
    via: internal
`;

/** Versions of the family finance, in every file. */
function versioned(finance: string): readonly Change[] {
  const models = `models: { finance-prod: ${finance}, finance-credit: ${finance} }`;
  const bound = { from: '[{ rest: 127.0.0.1:8501 }] }', to: `[{ rest: 127.0.0.1:8501 }], ${models} }` };
  return [
    {
      file: policy,
      from: '{ owner: finance-leads, models',
      to: '{ owner: finance-leads, with: { versions: [stable, canary] }, models',
    },
    ...['dev', 'prod'].map((name) => ({ file: `environments/${name}.yaml`, ...bound })),
  ];
}

const named = versioned('{ stable: 3, canary: { version: 4, share: 5% } }');
/** Risk reads the canary alone, scientists any number. */
const narrowed: readonly Change[] = [
  { file: policy, from: 'from: 10.0.0.0/8', to: 'versions: canary\n    from: 10.0.0.0/8' },
  { file: policy, from: 'in: dev', to: 'in: dev\n    versions: any' },
];

/** Gateways that are believed about whom a call is made for, in every environment. */
function relayed(hops: string): readonly Change[] {
  const relay = { file: policy, from: 'groups:', to: `  relay: { headgate: { hops: { ${hops} } } }\ngroups:` };
  const gateway = 'relay: { gateways: [{ issuer: urn:headgate:edge, keys: https://edge.example/jwks.json }] }';
  const bound = { from: 'services:', to: `  ${gateway}\nservices:` };
  return [relay, ...['dev', 'prod'].map((name) => ({ file: `environments/${name}.yaml`, ...bound }))];
}

const believed = relayed('risk: risk-apps');

/** Changes that a reviewer has to see, each with the lines of the lock's diff. */
const changes: Readonly<Record<string, readonly Change[]>> = {
  'regrouped-caller': [
    { file: policy, from: 'client: [batch-scorer, night-scorer]', to: 'client: batch-scorer' },
    { file: policy, from: 'client: risk-scorer', to: 'client: [risk-scorer, night-scorer]' },
  ],
  'new-family-member': [
    { file: policy, from: 'models: [finance-prod, ', to: 'models: [finance-loans, finance-prod, ' },
  ],
  'moved-rule': [
    { file: policy, from: moved, to: '' },
    { file: policy, from: '  - name: status is for all', to: `${moved}  - name: status is for all` },
  ],
  'changed-issuer': [
    { file: 'environments/prod.yaml', from: 'https://login.prod.example', to: 'https://login.example' },
  ],
  'widened-condition': [{ file: policy, from: 'from: 10.0.0.0/8', to: 'from: [10.0.0.0/8, 192.0.2.0/24]' }],
  'named-versions': named,
  'narrowed-versions': [...named, ...narrowed],
  'believed-gateway': believed,
  'denied-outright': [
    {
      file: policy,
      from: `at: scoring/finance-credit
    unless: [{ during: "22:00-06:00 Europe/Zurich" }, { caller: finance-apps, when: 'action == "predict"' }]`,
      to: 'at: scoring/finance-prod',
    },
  ],
};

function changed(name: string, list: readonly Change[]): string {
  const copy = join(folder, name);
  cpSync(join(goldens, 'base'), copy, { recursive: true });
  for (const { file, from, to } of list) {
    const text = readFileSync(join(copy, file), 'utf8');
    assert.ok(text.includes(from), `${file} holds ${from}`);
    writeFileSync(join(copy, file), text.replace(from, to));
  }
  return join(copy, policy);
}

async function lockOf(policyFile: string): Promise<string> {
  const { text, diagnostics } = await lockFiles(policyFile);
  assert.ok(text, JSON.stringify(diagnostics));
  return text;
}

/** Lines that went and came, as a diff shows them. */
function diff(before: string, now: string): string {
  const [had, has] = [before.split('\n'), now.split('\n')];
  const gone = had.filter((line) => !has.includes(line)).map((line) => `-${line}`);
  const come = has.filter((line) => !had.includes(line)).map((line) => `+${line}`);
  return `${[...gone, ...come].join('\n')}\n`;
}

function assertGolden(file: string, found: string): void {
  if (update) writeFileSync(join(goldens, file), found);
  assert.equal(
    found,
    readFileSync(join(goldens, file), 'utf8'),
    'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff',
  );
}

test('golden of a whole lock', async () => {
  assertGolden('base/access.lock', await lockOf(join(goldens, 'base', policy)));
});

for (const [name, list] of Object.entries(changes)) {
  test(`golden of the diff: ${name}`, async () => {
    const base = await lockOf(join(goldens, 'base', policy));
    assertGolden(`${name}.diff`, diff(base, await lockOf(changed(name, list))));
  });
}

test('golden of the diff: another-presenter', async () => {
  const before = await lockOf(changed('believed', believed));
  const after = await lockOf(changed('another-presenter', relayed('risk: [risk-apps, scientists]')));
  assertGolden('another-presenter.diff', diff(before, after));
});

test('a rollout makes no lock stale', async () => {
  const before = await lockOf(changed('before-rollout', named));
  const after = versioned('{ stable: 4, canary: { version: 5, share: 50% } }');
  assert.equal(await lockOf(changed('after-rollout', after)), before);
});

test('what changes no access changes no line', async () => {
  const base = await lockOf(join(goldens, 'base', policy));
  const engine = { file: 'environments/dev.yaml', from: 'engine: embedded', to: 'engine: haproxy' };
  const comment = { file: policy, from: 'at: scoring/dialogue', to: 'at: scoring/dialogue # a comment' };
  assert.equal(await lockOf(changed('no-access', [engine, comment])), base);
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(policyFile: string, ci: boolean): Promise<Ran> {
  const told = { out: '', err: '' };
  const terminal: Terminal = {
    out: (text) => {
      told.out += text;
    },
    err: (text) => {
      told.err += text;
    },
    colour: false,
  };
  const code = await checkLock({ policy: policyFile, ci }, terminal);
  return { code, out: told.out.replaceAll(folder, ''), err: told.err.replaceAll(folder, '') };
}

test('in CI a lock that is stale, or missing, is an error that shows the first lines; nothing is written', async () => {
  const file = changed('stale', changes['new-family-member'] ?? []);
  const lock = join(file, '../access.lock');
  const before = readFileSync(lock, 'utf8');
  const { code, err } = await run(file, true);
  assert.equal(code, 1);
  assertGolden('stale.txt', err);
  assert.equal(readFileSync(lock, 'utf8'), before);
  rmSync(lock);
  const missing = await run(file, true);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /error\[HG2080\]: there is no .*access\.lock/);
});

test('elsewhere it is written, and then good in CI', async () => {
  const file = changed('written', changes['moved-rule'] ?? []);
  assert.deepEqual(await run(file, false), {
    code: 0,
    out: '/written/access.lock is written; read its diff (2 environments)\n',
    err: '',
  });
  assert.match((await run(file, false)).out, /was good already/);
  assert.equal((await run(file, true)).code, 0);
});

test('mistakes of every environment are told, those of the policy once, and no lock is written', async () => {
  const file = changed('broken', [
    { file: policy, from: 'allow: anyone', to: 'allow: anybody' },
    { file: 'environments/prod.yaml', from: 'name: internal', to: 'name: inside' },
  ]);
  const { code, err } = await run(file, false);
  assert.equal(code, 1);
  assert.equal(err.match(/HG2002/g)?.length, 1);
  assert.match(err, /environment `prod` has no listener `internal`/);
});

test('two files of one environment are refused', async () => {
  const file = changed('twice', [
    { file: 'environments/prod.yaml', from: 'environment: prod', to: 'environment: dev' },
  ]);
  const { code, err } = await run(file, false);
  assert.equal(code, 1);
  assert.match(err, /HG2082/);
});
