import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { samplePlan } from '../../plan/testing/sample-plan.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import { settleAddresses, socketDirectory } from './sockets.ts';
import { eventually } from './testing/stage.ts';

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

test('a port that another HAProxy serves is an error, not half of its connections', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hg-sockets-'));
  const configuration = join(folder, 'haproxy.cfg');
  const { free } = await settleAddresses(planAt({ host: '127.0.0.1', port: 0 }), { known: {}, isInherited: false });
  assert.ok(free !== undefined);
  const lines = ['defaults', ' mode http', ' timeout client 1s', 'frontend f', ` bind 127.0.0.1:${free.port}`, ''];
  writeFileSync(configuration, lines.join('\n'));
  const other = spawn('haproxy', ['-db', '-f', configuration], { stdio: 'ignore' });
  t.after(() => {
    other.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const plan = planAt(free);
  await eventually(() => settleAddresses(plan, { known: {}, isInherited: false }).then(() => undefined, codeOf));
  await assert.rejects(settleAddresses(plan, { known: {}, isInherited: false }), new RegExp(`127.0.0.1:${free.port}`));
  const held = { free };
  assert.deepEqual(
    await settleAddresses(plan, { known: held, isInherited: false }),
    held,
    'ours, by the process before',
  );
  assert.deepEqual(await settleAddresses(plan, { known: {}, isInherited: true }), held, 'ours, by an earlier life');
});

function planAt(address: AddressPlan): Plan {
  return { ...samplePlan(), listeners: [{ name: 'free', address, routes: [] }] };
}

function codeOf(error: unknown): true | undefined {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' ? true : undefined;
}
