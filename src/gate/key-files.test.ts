import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readKeyFile, readOrMakeKeyFile } from './key-files.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-key-files-'));
});
after(() => rm(folder, { recursive: true }));

test('of many that make one file, one wins and all read the same', async () => {
  const file = join(folder, 'one');
  let made = 0;
  const texts = await Promise.all(Array.from({ length: 20 }, () => readOrMakeKeyFile(file, () => `text ${++made}`)));
  assert.equal(new Set(texts).size, 1);
  assert.ok(made > 1);
  assert.equal(await readOrMakeKeyFile(file, () => assert.fail('it is there')), texts[0]);
  assert.deepEqual(await readdir(folder), ['one'], 'drafts are gone');
});

test('a file that is not there is no file; a folder that is not there is an error', async () => {
  assert.equal(await readKeyFile(join(folder, 'other')), undefined);
  await assert.rejects(
    readOrMakeKeyFile(join(folder, 'nowhere', 'one'), () => 'text'),
    /ENOENT/,
  );
  await assert.rejects(readKeyFile(folder), /can be read by others|EISDIR/);
});
