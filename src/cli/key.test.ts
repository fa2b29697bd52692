import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readKeyText } from '../grants/index.ts';
import { runCli } from './testing/run-cli.ts';

/** What does not change from run to run. */
function steady(text: string): string {
  return text
    .replace(/\b[0-9A-Za-z]{22}\b/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/ +$/gm, '');
}

describe('headgate key', () => {
  let folder: string;
  let environment: string;
  const key = (...words: string[]) => runCli('key', ...words, '-e', environment);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hg-key-'));
    environment = join(folder, 'dev.yaml');
    const text = {
      ...{ version: 1, environment: 'dev', engine: 'embedded', state: join(folder, 'state') },
      listeners: [{ name: 'public', address: '127.0.0.1:8080' }],
      services: { scoring: { endpoints: [{ rest: '127.0.0.1:8501' }] } },
      ...{ audit: { directory: 'var/audit', record: 'required' }, admin: '127.0.0.1:9900' },
    };
    writeFileSync(environment, JSON.stringify(text));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('create prints the key alone on standard output', async () => {
    const { code, out, err } = await key('create', '--name', 'batch-scorer', '--owner', 'finance-leads');
    assert.equal(code, 0);
    assert.ok(readKeyText(out.trimEnd()) !== undefined && out.endsWith('\n'));
    assert.ok(!err.includes(out.slice(26, 58)));
    assert.equal(
      steady(err),
      'headgate: key batch-scorer of finance-leads in environment dev, until <time>; id <id>\n' +
        'headgate: the key is shown this once; it is sent as `Authorization: Bearer hgk_…`\n',
    );
  });

  test('list shows all but the key, and what the policy waits for', async () => {
    const policy = join(folder, 'headgate.yaml');
    writeFileSync(
      policy,
      `version: 1
identity: { keys: { apiKeys: {} } }
groups: { scorers: [ { keys: { name: [batch-scorer, nightly] } } ] }
services: { scoring: { protocol: tensorflow-serving, models: [demo] } }
rules: [ { name: r, allow: [scorers], to: predict, at: scoring/demo } ]
`,
    );
    assert.equal((await key('list')).out, 'no keys\n');
    const { out: text } = await key('create', '--name', 'batch-scorer', '--owner', 'finance-leads');
    const { out, err } = await key('list', '-p', policy);
    assert.ok(!out.includes(text.slice(26, 58)));
    const lines = steady(out)
      .split('\n')
      .map((line) => line.split(/ +/).join(' '));
    assert.deepEqual(lines, [
      'ID NAME OWNER CREATED EXPIRES STATE',
      '<id> batch-scorer finance-leads <time> <time> valid',
      '',
    ]);
    assert.match(err, /the policy names the key nightly, and there is no valid one/);
    const [told] = JSON.parse((await key('list', '--json')).out) as Record<string, unknown>[];
    assert.deepEqual(Object.keys(told ?? {}), ['id', 'name', 'owner', 'created', 'expires', 'state']);
  });

  test('rotate makes the next key, of the same life, and at most two are good', async () => {
    await key('create', '--name', 'a', '--owner', 'me', '--expires', '30d');
    const rotated = await key('rotate', '--name', 'a', '--overlap', '1h');
    assert.equal(rotated.code, 0, rotated.err);
    assert.match(steady(rotated.err), /a new key a, until <time>; id <id>\nheadgate: the one before it is good until/);
    const [newer, older] = JSON.parse((await key('list', '--json')).out) as { created: string; expires: string }[];
    assert.equal(lifeMs(newer), 30 * 86_400_000);
    assert.ok(lifeMs(older) < 3_700_000);
    const third = await key('rotate', '--name', 'a');
    assert.equal(third.code, 1);
    assert.match(
      steady(third.err),
      /a has two valid keys already\n {2}hint: `headgate key revoke <id>` ends the older/,
    );
  });

  test('revoke says what it did and that nothing runs', async () => {
    await key('create', '--name', 'a', '--owner', 'me');
    const { code, out } = await key('revoke', '--name', 'a');
    assert.equal(code, 0);
    assert.equal(
      steady(out),
      'key a of me (<id>) is revoked\nno gateway runs on this environment: there is nothing to confirm\n',
    );
    const again = await key('revoke', '--name', 'a');
    assert.deepEqual([again.code, again.err], [1, 'headgate: a has no valid key; `headgate key list` shows all\n']);
    assert.equal((await key('create', '--name', 'a', '--owner', 'me')).code, 0);
  });

  for (const [words, code, said] of [
    [['create', '--name', 'a*', '--owner', 'me'], 2, /not the name of a key/],
    [['create', '--name', 'a', '--owner', ' '], 2, /who answers for the key/],
    [['create', '--name', 'a', '--owner', 'me', '--expires', 'never'], 2, /--expires never is not a duration/],
    [['create', '--name', 'a'], 2, /--owner/],
    [['rotate', '--name', 'a'], 1, /no valid key that could be rotated/],
    [['rotate', '--name', 'a', '--overlap', '1'], 2, /--overlap 1 is not a duration/],
    [['revoke'], 2, /needs an id, or --name, or --stdin/],
    [['revoke', '--name', 'a', '--stdin'], 2, /one of them/],
    [['revoke', 'abc'], 2, /not the id of a key/],
    [['revoke', '0'.repeat(22)], 1, /there is no key with the id/],
    [['revoke', `hgk_${'0'.repeat(60)}`], 2, /that is a key itself/],
    [['revoke', '--name', 'a', '--wait', 'long'], 2, /--wait long is not a duration/],
  ] as const) {
    test(`key ${words.join(' ').slice(0, 40)} is answered with ${code}`, async () => {
      const ran = await key(...words);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, said);
      assert.equal(ran.out, '');
    });
  }

  test('a store that is broken is told of', async () => {
    await key('create', '--name', 'a', '--owner', 'me');
    writeFileSync(join(folder, 'state/store/headgate.sqlite'), 'no database, whatever it was before'.repeat(20));
    const { code, err } = await key('list');
    assert.equal(code, 3);
    assert.match(err, /can't be used: file is not a database\n {2}hint: restore it from a backup/);
  });
});

function lifeMs(key: { readonly created: string; readonly expires: string } | undefined): number {
  return Date.parse(key?.expires ?? '') - Date.parse(key?.created ?? '');
}
