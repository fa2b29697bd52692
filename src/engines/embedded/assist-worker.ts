import { chmodSync, rmSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { createPasses, type Gate, loadGateKeys } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { systemClock } from '../../std/clock.ts';
import { RateLimiter, rateMemory } from '../../traffic/index.ts';
import { Asking } from './asking.ts';
import { assistedCalls } from './assisted-call.ts';
import { answerCalls, CarryingParts, say } from './carrying.ts';
import { floodMemory } from './flood.ts';
import { EpochRedeemer } from './handed-call.ts';
import { HandedStreams } from './handed-streams.ts';
import { assistedSilenceMs, epochGraceMs, requestTimeoutMs } from './limits.ts';
import { closeWithin, openListener } from './listener.ts';
import type { AssistStart, WorkerCall, WorkerStatus } from './messages.ts';
import { type Scene, sceneOf } from './scene.ts';

/** The program of the thread that carries what another engine hands over. It decides nothing, limits nothing and records nothing. */
const start = workerData as AssistStart;

const keys = await loadGateKeys(start.plan.state, systemClock);
const { environment, epoch } = start.plan;
const redeemer = new EpochRedeemer(createPasses({ keys, environment }), epoch, () => systemClock.now());
const open = new HandedStreams();
const carrying = new CarryingParts(start);
const scene: Scene = {
  ...sceneOf(start.plan),
  ...carrying.scene,
  worker: start.worker,
  clock: systemClock,
  makeCall: assistedCalls(redeemer, open),
  asking: new Asking(noGate(start.plan), {
    clock: systemClock,
    share: 0,
    floods: floodMemory(),
    sharedUs: carrying.scene.sharedUs,
  }),
  limiter: new RateLimiter(rateMemory(1)),
  openCalls: undefined,
  spool: {
    isFailing: false,
    add() {
      throw new Error('the engine that hands a call over records it');
    },
    note() {
      throw new Error('the engine that hands a call over records it');
    },
  },
  isOpen: true,
  calls: 0,
};
carrying.apply(start);
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
answerCalls(answer);
say({ kind: 'ready', addresses: {} });

async function answer(call: WorkerCall): Promise<WorkerStatus | undefined> {
  switch (call.kind) {
    case 'swap':
      swap(call);
      return undefined;
    case 'replicas':
      carrying.setReplicas(call.roster);
      return undefined;
    case 'end':
      open.end(call.calls);
      return undefined;
    case 'status':
      return {
        epoch: scene.plan.epoch,
        keptDecisions: 0,
        issuers: [],
        questions: 0,
        traffic: scene.carriages.status(),
        open: undefined,
      };
    case 'stop':
      await stop(call.graceMs);
      return undefined;
    default:
      throw new Error(`not for the assisting side: ${call.kind}`);
  }
}

function swap(call: Extract<WorkerCall, { kind: 'swap' }>): void {
  const { plan } = call;
  redeemer.swap(plan.epoch, epochGraceMs);
  Object.assign(scene, sceneOf(plan));
  carrying.apply(call);
}

async function stop(graceMs: number): Promise<void> {
  await closeWithin(listening, graceMs);
  carrying.close();
}

/** Nobody is asked here; whoever were is refused. */
function noGate(plan: Plan): Gate {
  const denial = { kind: 'denial', reason: 'gate-fault', keepUntilMs: 0, epoch: plan.epoch } as const;
  return {
    plan,
    check: async () => denial,
    again: () => denial,
    jwks: () => ({ keys: [] }),
    status: () => [],
    close: async () => undefined,
  };
}
