import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { samplePlan } from '../../plan/testing/sample-plan.ts';
import { socketDirectory } from './sockets.ts';

test('a state folder with a long path has the same short folder for sockets in each life, and nobody else may write there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-sockets-'));
  const plan = { ...samplePlan(), state: join(folder, 'long/'.repeat(30)) };
  const directory = socketDirectory(plan);
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  });
  assert.ok(directory.length <= 70);
  assert.equal(socketDirectory(plan), directory);
  assert.notEqual(socketDirectory({ ...plan, state: folder }), directory);
  chmodSync(directory, 0o777);
  assert.throws(() => socketDirectory(plan), /others may write there/);
});
