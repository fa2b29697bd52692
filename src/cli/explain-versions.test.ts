import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createVersions } from '../decision/index.ts';
import { loadGateKeys } from '../gate/index.ts';
import { subjectId } from '../identity/index.ts';
import type { Operation } from '../protocols/index.ts';
import { systemClock } from '../std/clock.ts';
import { runCli } from './testing/run-cli.ts';

const root = join(import.meta.dirname, '../..');
const golden = join(root, 'test/goldens/tests/versions');

describe('explain and versions', () => {
  let folder: string;
  let state: string;
  let environment: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hg-explain-'));
    state = join(folder, 'state');
    environment = join(folder, 'dev.yaml');
    const text = await readFile(join(golden, 'environments/dev.yaml'), 'utf8');
    await writeFile(environment, `${text.replace('share: 5%', 'share: 50%')}state: ${state}\n`);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const explain = async (who: string, target: string, ...more: string[]): Promise<string> => {
    const files = ['-p', join(golden, 'headgate.yaml'), '-e', environment];
    const { out, err } = await runCli('explain', ...files, '--as', who, '--call', `POST ${target}`, ...more);
    assert.equal(err, '');
    return out;
  };

  test('says which version, and why', async () => {
    const what = 'what    predict on scoring/finance-prod';
    const byNumber = await explain('staff:alice', '/v1/models/finance-prod/versions/4:predict');
    assert.ok(byNumber.includes(`${what}, version 4 (canary), as asked for by number\n`), byNumber);
    const byLabel = await explain('staff:alice', '/v1/models/finance-prod/labels/stable:predict');
    assert.ok(byLabel.includes(`${what}, label "stable", version 3 (stable), as asked for by label\n`), byLabel);
    const unnamed = await explain('staff:alice', '/v1/models/finance-prod/versions/9:predict');
    assert.ok(unnamed.includes(`${what}, version 9, as asked for by number\n`), unnamed);
    assert.match(unnamed, /employees predict .* version 9 has no name in the policy/);
    const unknown = await explain('staff:alice', '/v1/models/finance-prod/labels/latest:predict');
    assert.match(unknown, /^refused: 403 version-unknown\. No version of the model has this label\.\n/);
    assert.ok(unknown.includes(`${what}, label "latest"\n`), unknown);
  });

  test("without the gateway's key it says what it can't tell; with it, what the caller really gets", async () => {
    const doubtful = await explain('staff:alice', '/v1/models/finance-prod:predict');
    assert.match(
      doubtful,
      /doubt {3}which version this caller gets hangs on the gateway's own key, which is not here: stable 3, canary 4 \(50 %\)\n/,
    );
    const { idKey } = await loadGateKeys(state, systemClock);
    const list = [
      { name: 'stable', number: 3 },
      { name: 'canary', number: 4, sharePpm: 500_000 },
    ];
    const versions = createVersions([
      { name: 'scoring', protocol: 'tensorflow-serving', models: ['finance-prod'], versions: { 'finance-prod': list } },
    ]);
    const operation = { service: 'scoring', model: 'finance-prod', resource: ['finance-prod'] } as unknown as Operation;
    for (const name of ['alice', 'bob', 'carla', 'dora', 'emil', 'fritz']) {
      const told = await explain(`staff:${name}`, '/v1/models/finance-prod:predict');
      const id = subjectId(idKey.reveal(), 'http://127.0.0.1:9000', name);
      const version = versions.resolve(operation, id)?.version;
      assert.match(told, new RegExp(`version ${version} \\((stable|canary)\\), by the shares of callers\n`));
      assert.ok(!told.includes('doubt'));
    }
    const shape = JSON.parse(await explain('staff:alice', '/v1/models/finance-prod:predict', '--json')) as {
      operation: Operation;
      doubt?: string;
    };
    assert.equal(shape.operation.versionBy, 'share');
    assert.equal(shape.doubt, undefined);
  });
});
