import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from './testing/run-cli.ts';

const golden = join(import.meta.dirname, '../../test/goldens/tests/queue');

describe('explain and queues', () => {
  let folder: string;
  let environment: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hg-explain-'));
    environment = join(folder, 'dev.yaml');
    const text = await readFile(join(golden, 'environments/dev.yaml'), 'utf8');
    await writeFile(environment, `${text}state: ${join(folder, 'state')}\n`);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const explain = (...more: string[]) => {
    const call = ['--call', 'POST /v1/models/prod:predict'];
    return runCli('explain', '-p', join(golden, 'headgate.yaml'), '-e', environment, ...call, ...more);
  };

  test('what a queue holds is said with the question', async () => {
    const calm = await explain('--queue', 'waiting=0,inFlight=8');
    assert.match(calm.out, /^allowed by “guests while it is calm”/);
    const full = await explain('--queue', 'waiting=100,inFlight=64');
    assert.match(full.out, /^refused by “nothing more once it is full”/);
    assert.deepEqual([calm.code, full.code], [0, 1]);
  });

  test('left out it is not known: the condition fails, and that is shown', async () => {
    const { out, code } = await explain();
    assert.match(out, /condition failed: what the queue holds is not known here in queue\.waiting == 0/);
    assert.match(out, /^refused by “nothing more once it is full”/);
    assert.equal(code, 1);
  });

  test('what can not be read is an error of usage', async () => {
    const { err, code } = await explain('--queue', '3,8');
    assert.match(err, /--queue 3,8 can't be read/);
    assert.equal(code, 2);
  });
});
