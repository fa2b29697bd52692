import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test("where grpc-go's modules cannot be had, set-up says so, how to try again, and leaves nothing half done", () => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-setup-'));
  // Modules may come from nowhere.
  const env = { ...process.env, HEADGATE_CACHE: folder, GOPROXY: 'off', GOFLAGS: '' };
  const script = join(import.meta.dirname, '../../scripts/setup.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--with', 'interop'], { env, encoding: 'utf8' });
  const left = readdirSync(folder);
  rmSync(folder, { recursive: true });
  assert.equal(status, 1);
  assert.match(stderr, /^setup: interop is missing \([\s\S]+\)\. Run: node scripts\/setup\.mjs --with interop$/m);
  assert.match(stderr, /go build failed: [\s\S]*GOPROXY=off/);
  assert.deepEqual(left, []);
});
