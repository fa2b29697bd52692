import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { call, eventually, predict, type Stage, sendRaw, startStage } from './testing/stage.ts';

async function stage(context: TestContext): Promise<Stage> {
  const started = await startStage();
  context.after(() => started.stop());
  return started;
}

/** A request of HTTP/1.0, which ends its connection without a field that says so: its fields are plain. */
function plainly(token: string, host: string, ...fields: readonly string[]): string {
  const head = [
    `POST ${predict('m')} HTTP/1.0`,
    `host: ${host}`,
    `authorization: Bearer ${token}`,
    'content-length: 0',
  ];
  return `${[...head, ...fields].join('\r\n')}\r\n\r\n`;
}

test('behind plain fields nothing is let through that others would not be', async (context) => {
  const { port, token, seen, records } = await stage(context);
  const ann = token('ann');
  const send = (...fields: readonly string[]): Promise<string> => sendRaw(port, plainly(ann, 'a.test', ...fields));
  const spoofed = [
    'x-headgate-subject: root',
    'X_Headgate_Subject: root',
    'forwarded: for=a',
    'connection: x-a',
    'te: gzip',
  ];
  for (let turn = 0; turn < 3; turn += 1) assert.match(await send('x-a: b'), /^HTTP\/1.[01] 200/);
  for (const field of spoofed) assert.match(await send('x-a: b', field), /^HTTP\/1.[01] 200/);
  for (const { headers } of seen) {
    assert.equal(headers['x-headgate-subject'], 'ann');
    for (const name of ['authorization', 'x_headgate_subject', 'forwarded', 'te'])
      assert.equal(headers[name], undefined);
    assert.equal(headers['x-a'], 'b');
  }
  assert.match(await send('x-a: b\x01c'), /^HTTP\/1.[01] 400 .*request-malformed/s);
  assert.match(await send(`x-a: ${'b'.repeat(13_000)}`), /^HTTP\/1.[01] 431 .*header-too-large/s);
  assert.match(await send('x-a: b', `authorization: Bearer ${ann}`), /^HTTP\/1.[01] 400 .*credential-ambiguous/s);
  assert.equal(seen.length, 3 + spoofed.length);
  const malformed = (await records(seen.length + 3))[seen.length];
  // As the gate would have it: nothing is known of a request that is malformed.
  assert.deepEqual(
    [malformed?.core.reason, malformed?.core.outcome, malformed?.core.caller, malformed?.core.service],
    ['request-malformed', 'deny', null, null],
  );
  assert.equal(malformed?.core.path, predict('m'));
});

test('revoking many at once ends them all', async (context) => {
  const { port, token, engine, records } = await stage(context);
  const ann = token('ann');
  const hosts = Array.from({ length: 70 }, (_, index) => `a${index}.test`);
  await Promise.all(hosts.map(async (host) => assert.match(await sendRaw(port, plainly(ann, host)), / 200 /)));
  await eventually(async () => ((await engine.status()).keptDecisions === hosts.length ? true : undefined));
  const [record] = await records(1);
  await engine.revoke([record?.core.caller?.id ?? '']);
  assert.equal((await engine.status()).keptDecisions, 0);
  assert.equal((await call(port, predict('m'), ann)).status, 200);
});
