import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

/** `scripts/test.ts` says which engines are there. */
const engines = (process.env.HEADGATE_ENGINES ?? 'embedded,haproxy').split(',');

for (const engine of engines) {
  test(`npm start -- --once on ${engine}: every call as the policy says`, { timeout: 60_000 }, async () => {
    const args = [join(import.meta.dirname, 'start.ts'), '--once', '--apart', '--engine', engine];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const [code] = await once(child, 'close');
    const text = Buffer.concat(said).toString();
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`on the ${engine} engine`));
    assert.match(text, /^all as the policy says$/m);
  });
}
