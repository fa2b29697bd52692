import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { openTls, type TestTls } from '../support/certificate.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { scoringLine } from './harness/texts.ts';

const policy = `
version: 1
services: { scoring: { protocol: tensorflow-serving, models: { demo: {} } } }
rules: [ { name: all predict, allow: anyone, to: predict, at: scoring/demo } ]
`;
const rotations = 8;
const noticedMsMax = 20_000;

for (const engine of present) {
  describe(`certificates that turn over, on ${engine}`, () => {
    const opened = openedHere();
    let served: TestTls;
    let gateway: FaultGateway;

    before(async () => {
      served = openTls(opened);
      const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
      const bindings = [scoringLine([upstream.port])];
      const made = await FaultGateway.make({ engine, policy, bindings, tls: served.files });
      gateway = opened.adopt(made, (it) => it.remove());
      await gateway.start();
    });

    /** The key first, as some tools do: for a moment the two files don't go together. */
    const write = async ({ files }: TestTls): Promise<void> => {
      await copyFile(files.key, served.files.key);
      await copyFile(files.certificate, served.files.certificate);
    };
    const isServed = async ({ ca }: TestTls): Promise<boolean> => (await peerCertificate(gateway.port)) === ca;

    test('new connections get each new one, and calls on kept connections go on', async (t) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
      const statuses = new Map<number | string, number>();
      let isRunning = true;
      const load = async (): Promise<void> => {
        while (isRunning) {
          const status = await predict(gateway.port, agent).catch((error: Error) => error.message);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      const loads = [load(), load()];
      for (let rotation = 0; rotation < rotations; rotation += 1) {
        const next = openTls(opened);
        await write(next);
        await until(() => isServed(next), { what: `certificate ${rotation} is served`, withinMs: noticedMsMax });
      }
      isRunning = false;
      await Promise.all(loads);
      agent.destroy();
      t.diagnostic(`${rotations} certificates, answers by status: ${JSON.stringify(Object.fromEntries(statuses))}`);
      assert.deepEqual([...statuses.keys()], [200]);
    });

    test('one that is not fit leaves the one from before, and the status says why', async () => {
      const good = openTls(opened);
      await write(good);
      await until(() => isServed(good), { what: 'it is served', withinMs: noticedMsMax });
      await copyFile(openTls(opened).files.key, served.files.key);
      const fault = async (): Promise<string> => (await gateway.status()).certificates[0]?.fault ?? '';
      await until(async () => (await fault()).includes('is not the key of the certificate'), {
        what: 'the other key is found out',
        withinMs: noticedMsMax,
      });
      assert.ok(await isServed(good));
      await copyFile(good.files.key, served.files.key);
      await until(async () => (await fault()) === '', { what: 'it is mended', withinMs: noticedMsMax });
      const [{ ends } = { ends: '' }] = (await gateway.status()).certificates;
      assert.ok(Date.parse(ends) > Date.now(), ends);
      assert.equal(await readFile(served.files.certificate, 'utf8'), good.ca);
    });
  });
}

/** PEM of what a new connection is shown. */
async function peerCertificate(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    const { raw } = socket.getPeerCertificate();
    const lines = raw.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  } finally {
    socket.destroy();
  }
}

async function predict(port: number, agent: Agent): Promise<number> {
  const outgoing = request({ host: '127.0.0.1', port, agent, method: 'POST', path: '/v1/models/demo:predict' });
  outgoing.end('{"instances":[[1]]}');
  const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
  await incoming.toArray();
  return incoming.statusCode ?? 0;
}
