import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { test } from 'node:test';
import { cpuMicrosOf, treeOf } from './cpu.ts';

/** A shell that starts a process which works until it is killed. */
const script = 'node -e "console.log(process.pid); for (;;);" & echo shell; wait';

test('the CPU time of a process counts what it started', { timeout: 20_000 }, async () => {
  if (platform() !== 'linux') return;
  const shell = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  shell.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  while (!/^\d+$/m.test(said)) await once(shell.stdout, 'data');
  const worker = Number(/^\d+$/m.exec(said)?.[0]);
  const pid = shell.pid ?? 0;
  try {
    assert.ok(treeOf(pid).includes(worker));
    const before = cpuMicrosOf(pid);
    while (cpuMicrosOf(pid) - before < 20_000) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    process.kill(worker, 'SIGKILL');
    await once(shell, 'exit');
  }
});

test('a process that is gone has used nothing that can be read', () => {
  assert.equal(cpuMicrosOf(2 ** 22 + 1), 0);
});
