import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('where TensorFlow cannot be had, set-up says so, how to try again, and leaves nothing half done', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-setup-'));
  // Packages may come from nowhere.
  const env = { ...process.env, HEADGATE_CACHE: folder, PIP_NO_INDEX: '1', PIP_FIND_LINKS: '' };
  const script = join(import.meta.dirname, '../../scripts/setup.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--with', 'tensorflow'], { env, encoding: 'utf8' });
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true });
  assert.equal(status, 1);
  assert.match(stderr, /^setup: tensorflow is missing \([\s\S]+\)\. Run: node scripts\/setup\.mjs --with tensorflow$/m);
  assert.match(stderr, /No matching distribution found for absl-py/);
  assert.deepEqual(left, []);
});
