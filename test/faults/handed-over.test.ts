import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { send } from '../conformance/harness/client.ts';
import { startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { scoringLine } from './harness/texts.ts';

const keeper = join(import.meta.dirname, 'harness/socket-keeper.py');
const policy = `
version: 1
services: { scoring: { protocol: tensorflow-serving, models: { demo: {} } } }
rules: [ { name: all predict, allow: anyone, to: predict, at: scoring/demo } ]
`;
const restarts = 3;
/** Under one name, as many as there are workers. */
const sockets = 2;

for (const engine of present) {
  describe(`sockets that a service manager holds, on ${engine}`, () => {
    const opened = openedHere();
    let gateway: FaultGateway;

    before(async () => {
      const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
      const made = await FaultGateway.make({
        engine,
        policy,
        bindings: [scoringLine([upstream.port])],
        under: (port) => ['python3', keeper, 'public', String(port), String(sockets)],
      });
      gateway = opened.adopt(made, async (it) => {
        await it.stop();
        await it.remove();
      });
    });

    test('a restart refuses nobody: connections wait in the socket', async (t) => {
      const { port } = gateway;
      await gateway.start();
      const statuses = new Map<number | string, number>();
      let isRunning = true;
      const load = async (): Promise<void> => {
        while (isRunning) {
          const status = await callOnce(port);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      const loads = Array.from({ length: 4 }, load);
      for (let restart = 1; restart <= restarts; restart += 1) {
        const before = starts(gateway.said);
        const pid = Number(before.at(-1));
        process.kill(pid, 'SIGTERM');
        const { said } = gateway;
        await until(() => starts(gateway.said).length > before.length, {
          what: 'it is started anew',
          withinMs: 30_000,
        });
        await until(() => gateway.said.slice(said.length).includes('headgate: ready\n'), {
          what: 'it is ready',
          withinMs: 30_000,
        });
      }
      isRunning = false;
      await Promise.all(loads);
      t.diagnostic(
        `${restarts} restarts under load, answers by status: ${JSON.stringify(Object.fromEntries(statuses))}`,
      );
      assert.deepEqual([...statuses.keys()], [200]);
      assert.ok((statuses.get(200) ?? 0) > restarts);
    });
  });
}

/** On a connection of its own; what went wrong, where nothing was answered. */
async function callOnce(port: number): Promise<number | string> {
  const call = {
    port,
    method: 'POST',
    target: '/v1/models/demo:predict',
    headers: ['connection', 'close'],
    body: '{"instances":[[1]]}',
  };
  return send(call).then(
    ({ status }) => status,
    (error: Error) => error.message,
  );
}

function starts(said: string): string[] {
  return [...said.matchAll(/^started (\d+)$/gm)].map(([, pid = '']) => pid);
}
