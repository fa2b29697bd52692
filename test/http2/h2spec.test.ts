import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ensureH2spec } from '../../scripts/h2spec.mjs';
import { startReplica, startStage } from '../../src/engines/embedded/testing/stage.ts';
import { eventsOf, startServer } from '../../src/http2/testing/server.ts';
import { openTls } from '../support/certificate.ts';
import { openedHere } from '../support/opened.ts';

/** h2spec's 146 cases of RFC 9113 and RFC 7541, the strict ones among them. */
const program = process.env.HEADGATE_H2SPEC ?? ensureH2spec().program ?? assert.fail('h2spec is missing');
const run = promisify(execFile);
const opened = openedHere();

async function h2spec(port: number, ...more: readonly string[]): Promise<string> {
  const words = ['--host', '127.0.0.1', '--port', String(port), '--timeout', '5', '--strict', ...more];
  const { stdout } = await run(program, words, { maxBuffer: 16_000_000 }).catch((failure: { stdout: string }) => {
    const at = failure.stdout?.indexOf('Failures:') ?? -1;
    return { stdout: at < 0 ? String(failure.stdout ?? failure) : failure.stdout.slice(at) };
  });
  return stdout.trim();
}

const allPassed = /146 tests, 146 passed, 0 skipped, 0 failed$/;

test('a server on the room http2 does as h2spec says', async () => {
  const server = await startServer((stream) => {
    const end = (): void => {
      stream.head([':status', '200', 'content-type', 'text/plain']);
      stream.end(Buffer.from('hello'));
    };
    stream.events = eventsOf({ onEnd: end });
    stream.resume();
  });
  opened.defer(() => server.close());
  assert.match(await h2spec(server.port), allPassed);
});

test("so does the embedded engine's listener, h2c and over TLS", async () => {
  const replica = await startReplica((call, answer) => {
    call.resume();
    answer.end('hello');
  });
  opened.defer(() => void replica.close());
  const { files } = openTls(opened);
  const plain = opened.use(await startStage({ replicas: [replica.port] }));
  const secure = opened.use(await startStage({ replicas: [replica.port], tls: files }));
  // Of section 8 some requests are refused at once: their answer is there before the rest is, which h2spec doesn't expect.
  const sections = ['3', '4', '5', '6', '7'].map((section) => `http2/${section}`);
  const asked = ['--path', '/v1/models/m', 'generic', 'hpack', ...sections];
  // On the port of HTTP/1.1 what is no preface gets an answer of HTTP/1.1: the one case that can't hold there.
  const onSharedPort = await h2spec(plain.port, ...asked);
  assert.match(onSharedPort, /\d{2,} tests, \d+ passed, 0 skipped, 1 failed$/);
  assert.match(onSharedPort, /× 2: Sends invalid connection preface/);
  assert.match(
    await h2spec(secure.port, '--tls', '--insecure', ...asked),
    /(\d{2,}) tests, \1 passed, 0 skipped, 0 failed$/,
  );
  assert.deepEqual([plain.log, secure.log], [[], []]);
});
