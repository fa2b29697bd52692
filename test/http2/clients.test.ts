import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../../src/http2/testing/server.ts';

/** Other people's clients, which have their own ways with windows, tables and padding. */
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'hg-http2-'));
const server = await startServer();
const url = `http://127.0.0.1:${server.port}/`;
after(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function bodyOf(bytes: number): { readonly file: string; readonly body: Buffer } {
  const [file, body] = [join(folder, `${bytes}`), randomBytes(bytes)];
  writeFileSync(file, body);
  return { file, body };
}

for (const bytes of [0, 1000, 70_000, 8_000_000]) {
  test(`curl gets back the ${bytes} bytes that it sent`, async () => {
    const { file, body } = bodyOf(bytes);
    const words = ['--silent', '--show-error', '--http2-prior-knowledge', '--max-time', '60'];
    const sent = [...words, '--header', 'x-mine: a', '--data-binary', `@${file}`, url];
    const { stdout } = await run('curl', sent, { encoding: 'buffer', maxBuffer: 64_000_000 });
    assert.ok(stdout.equals(body));
  });
}

test('nghttp gets back what it sent, padded, with priorities and trailers', async () => {
  const { file, body } = bodyOf(300_000);
  const words = ['--timeout=60', '--padding=200', '--trailer=x-end: yes', '--multiply=20', `--data=${file}`, url];
  const { stdout } = await run('nghttp', words, { encoding: 'buffer', maxBuffer: 64_000_000 });
  assert.equal(stdout.length, 20 * body.length);
});

for (const [bytes, calls] of [
  [100, 5000],
  [20_000, 1000],
  [1_000_000, 50],
] as const) {
  test(`h2load has ${calls} answers to ${bytes} bytes, on eight connections with twenty streams each`, async () => {
    const { file } = bodyOf(bytes);
    const { stdout } = await run('h2load', ['-n', String(calls), '-c', '8', '-m', '20', '-d', file, url]);
    assert.match(stdout, new RegExp(`${calls} succeeded, 0 failed, 0 errored, 0 timeout`));
    assert.match(stdout, new RegExp(`\\(${bytes * calls}\\) data`));
  });
}
