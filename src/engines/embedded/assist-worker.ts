import { chmodSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { createPasses, type Gate, loadGateKeys } from '../../gate/index.ts';
import { Turn } from '../../http2/index.ts';
import type { Plan } from '../../plan/types.ts';
import { systemClock } from '../../std/clock.ts';
import { RateLimiter, rateMemory } from '../../traffic/index.ts';
import { Asking } from './asking.ts';
import { assistedCalls } from './assisted-call.ts';
import { Boarding } from './boarding.ts';
import { Carriages } from './carriage.ts';
import { floodMemory } from './flood.ts';
import { GrpcUpstreams } from './grpc-replica.ts';
import { EpochRedeemer } from './handed-call.ts';
import { assistedSilenceMs, epochGraceMs, requestTimeoutMs } from './limits.ts';
import { openListener } from './listener.ts';
import { Members } from './members.ts';
import type { AssistStart, WorkerCall, WorkerMessage, WorkerStatus } from './messages.ts';
import { type Scene, sceneOf, sharedUs } from './scene.ts';
import { Upstreams } from './upstreams.ts';
import { Wheel } from './wheel.ts';

/** The program of the thread that carries what another engine hands over. It decides nothing, limits nothing and records nothing. */
const start = workerData as AssistStart;
const say = (message: WorkerMessage): void => parentPort?.postMessage(message);

const keys = await loadGateKeys(start.plan.state, systemClock);
const { environment, epoch } = start.plan;
const redeemer = new EpochRedeemer(createPasses({ keys, environment }), epoch, () => systemClock.now());
const clockUs = sharedUs();
const members = new Members({
  memory: start.replicas,
  thread: start.thread,
  nowMs: () => clockUs / 1000 + performance.now(),
  log: (line) => say({ kind: 'log', line }),
});
const turn = new Turn();
const scene: Scene = {
  ...sceneOf(start.plan),
  turn,
  worker: start.worker,
  clock: systemClock,
  makeCall: assistedCalls(redeemer),
  asking: new Asking(noGate(start.plan), {
    clock: systemClock,
    share: 0,
    floods: floodMemory(),
    sharedUs: sharedUs(),
  }),
  limiter: new RateLimiter(rateMemory(1)),
  spool: {
    isFailing: false,
    add() {
      throw new Error('the engine that hands a call over records it');
    },
  },
  upstreams: new Upstreams(members),
  grpcUpstreams: new GrpcUpstreams(members, turn),
  carriages: new Carriages({ budgets: start.budgets, sharedUs: clockUs }),
  wheel: new Wheel(),
  boarding: new Boarding({ memory: start.boarding, thread: start.thread }),
  sharedUs: sharedUs(),
  isOpen: true,
  calls: 0,
};
applyUpstreams(start);
rmSync(start.socket, { force: true });
const nowhere = { host: '', port: 0 };
const listening = await openListener(scene, {
  plan: { name: 'assist', address: nowhere, routes: [] },
  address: nowhere,
  path: start.socket,
  // How long a client may take is what the engine that hands over looks after.
  timeouts: { headMs: requestTimeoutMs, requestMs: requestTimeoutMs, silenceMs: assistedSilenceMs, lookMs: 1000 },
});
chmodSync(start.socket, 0o600);
parentPort?.on('message', (call: WorkerCall) => {
  answer(call).then(
    (value) => say({ kind: 'answer', turn: call.turn, ...(value && { value }) }),
    (fault: unknown) => say({ kind: 'answer', turn: call.turn, fault: String(fault) }),
  );
});
say({ kind: 'ready', addresses: {} });

async function answer(call: WorkerCall): Promise<WorkerStatus | undefined> {
  switch (call.kind) {
    case 'swap':
      swap(call);
      return undefined;
    case 'replicas':
      members.merge(call.roster);
      refreshUpstreams();
      return undefined;
    case 'status':
      return {
        epoch: scene.plan.epoch,
        keptDecisions: 0,
        issuers: [],
        questions: 0,
        traffic: scene.carriages.status(),
      };
    case 'stop':
      await stop(call.graceMs);
      return undefined;
    default:
      throw new Error(`not for the assisting side: ${call.kind}`);
  }
}

/** How calls are carried, as the thread is started with it and as a swap brings it. */
type Carrying = Pick<AssistStart, 'plan' | 'roster' | 'queues'>;

function swap(carrying: Carrying): void {
  const { plan } = carrying;
  redeemer.swap(plan.epoch, epochGraceMs);
  Object.assign(scene, sceneOf(plan));
  applyUpstreams(carrying);
}

function applyUpstreams({ plan: { upstreams, access }, roster, queues }: Carrying): void {
  scene.carriages.apply(upstreams);
  members.replace(roster, upstreams, access.services);
  refreshUpstreams();
  scene.boarding.apply(upstreams, queues);
}

function refreshUpstreams(): void {
  scene.upstreams.refresh();
  scene.grpcUpstreams.refresh();
}

async function stop(graceMs: number): Promise<void> {
  const timer = setTimeout(() => listening.destroy(), graceMs);
  await listening.close();
  clearTimeout(timer);
  scene.upstreams.close();
  scene.grpcUpstreams.close();
  scene.wheel.close();
}

/** Nobody is asked here; whoever were is refused. */
function noGate(plan: Plan): Gate {
  const denial = { kind: 'denial', reason: 'gate-fault', keepUntilMs: 0, epoch: plan.epoch } as const;
  return {
    plan,
    check: async () => denial,
    jwks: () => ({ keys: [] }),
    status: () => [],
    close: async () => undefined,
  };
}
