import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { exportedMetrics } from './exporter.ts';

async function socketOf(context: TestContext, answer: RequestListener): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'hg-exporter-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const server = createServer(answer);
  context.after(() => server.close().closeAllConnections());
  const path = join(folder, 'x');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

test('gives what the exporter answers', async (context) => {
  const path = await socketOf(context, (_request, response) => response.end('haproxy_x 1\n'));
  assert.equal(await exportedMetrics(path), 'haproxy_x 1\n');
});

test('an answer that is an error, too large, broken off, or never comes, is none', async (context) => {
  const answers: Readonly<Record<string, RequestListener>> = {
    error: (_request, response) => response.writeHead(503).end(),
    large: (_request, response) => response.end('x'.repeat(9_000_000)),
    'broken off': (_request, response) =>
      response.writeHead(200, { 'content-length': '10' }).end('x', () => response.destroy()),
    silent: () => undefined,
  };
  for (const [name, answer] of Object.entries(answers)) {
    await assert.rejects(exportedMetrics(await socketOf(context, answer)), Error, name);
  }
  await assert.rejects(exportedMetrics('/nonexistent/socket'), { code: 'ENOENT' });
});
