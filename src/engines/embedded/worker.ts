import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createGate, loadGateKeys } from '../../gate/index.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import { systemClock } from '../../std/clock.ts';
import { RateLimiter } from '../../traffic/index.ts';
import { handle, type Scene } from './handle.ts';
import { KeptDecisions } from './kept.ts';
import { type Listening, openListener } from './listener.ts';
import type { WorkerCall, WorkerMessage, WorkerStart, WorkerStatus } from './messages.ts';
import { Spool } from './spool.ts';
import { Upstreams } from './upstreams.ts';

const start = workerData as WorkerStart;
const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

const keys = await loadGateKeys(start.plan.state, systemClock);
const scene: Scene = {
  worker: start.worker,
  clock: systemClock,
  kept: new KeptDecisions(),
  limiter: new RateLimiter(start.rates),
  spool: new Spool(join(start.plan.state, 'spool'), start.worker),
  upstreams: new Upstreams(start.plan),
  plan: start.plan,
  gate: createGate({ plan: start.plan, keys, clock: systemClock }),
  reads: readsOf(start.plan),
  open: true,
  calls: 0,
};
const listeners = await openAll(start);
parentPort?.on('message', (call: WorkerCall) => {
  answer(call).then(
    (status) => say({ kind: 'answer', turn: call.turn, ...(status && { status }) }),
    (fault: unknown) => say({ kind: 'answer', turn: call.turn, fault: String(fault) }),
  );
});
say({ kind: 'ready', addresses: Object.fromEntries(listeners.map(([name, { address }]) => [name, address])) });

function openAll({ plan, addresses }: WorkerStart): Promise<(readonly [string, Listening])[]> {
  return Promise.all(
    plan.listeners.map(async (listener) => {
      const address: AddressPlan = addresses[listener.name] ?? listener.address;
      const onCall: Parameters<typeof openListener>[2] = (incoming, outgoing) =>
        void handle(scene, listener.name, incoming, outgoing);
      return [listener.name, await openListener(listener, address, onCall)] as const;
    }),
  );
}

/** Fields that any condition of any service reads: they join every key. */
function readsOf(plan: Plan): string[] {
  return [...new Set(Object.values(plan.access.reads).flatMap(({ headers }) => headers))];
}

async function answer(call: WorkerCall): Promise<WorkerStatus | undefined> {
  switch (call.kind) {
    case 'swap': {
      const before = scene.gate;
      scene.plan = call.plan;
      scene.gate = createGate({ plan: call.plan, keys, clock: systemClock });
      scene.reads = readsOf(call.plan);
      scene.kept.clear();
      await before.close();
      return undefined;
    }
    case 'revoke':
      scene.kept.revoke(new Set(call.ids));
      return undefined;
    case 'admit':
      scene.open = call.open;
      return undefined;
    case 'status':
      return {
        epoch: scene.plan.epoch,
        keptDecisions: scene.kept.size,
        endpoints: scene.upstreams.status(),
        issuers: scene.gate.status(),
      };
    case 'stop':
      await stop(call.graceMs);
      return undefined;
    default:
      return call satisfies never;
  }
}

async function stop(graceMs: number): Promise<void> {
  const timer = setTimeout(() => {
    for (const [, listening] of listeners) listening.destroy();
  }, graceMs);
  await Promise.all(listeners.map(([, listening]) => listening.close()));
  clearTimeout(timer);
  scene.spool.close();
  await scene.upstreams.close();
  await scene.gate.close();
}
