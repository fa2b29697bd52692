import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { createGate, loadGateKeys } from '../../gate/index.ts';
import type { ListenerPlan, Plan } from '../../plan/types.ts';
import { canonicalJson } from '../../std/canonical-json.ts';
import { systemClock } from '../../std/clock.ts';
import { openKeyFinder } from '../../store/index.ts';
import { RateLimiter } from '../../traffic/index.ts';
import { Asking } from './asking.ts';
import { Call } from './call.ts';
import { answerCalls, CarryingParts, say } from './carrying.ts';
import { GrpcCall } from './grpc-call.ts';
import { closeWithin, type Listening, openListener } from './listener.ts';
import type { Addresses, WorkerCall, WorkerStart, WorkerStatus } from './messages.ts';
import { OpenCalls } from './open-calls.ts';
import { type Arriving, type Scene, sceneOf } from './scene.ts';
import { Spool } from './spool.ts';
import { StreamCall } from './stream-call.ts';

/** The program of a worker thread. */
const start = workerData as WorkerStart;
const log = (line: string): void => say({ kind: 'log', line });

const keys = await loadGateKeys(start.plan.state, systemClock);
// A handle of its own: look-ups are on misses only, and no thread waits for another.
const apiKeys = openKeyFinder(start.plan.state);
const spool = new Spool({ directory: join(start.plan.state, 'spool'), worker: start.worker, log });
const carrying = new CarryingParts(start);
const { boarding, sharedUs, turn } = carrying.scene;
// The last of an answer waits for its line: so it leaves with the rest of it.
turn.atEnd = () => spool.flush();
for (const [thread, port] of start.peers) boarding.peers.add(thread, port);
const scene: Scene = {
  ...sceneOf(start.plan),
  ...carrying.scene,
  worker: start.worker,
  clock: systemClock,
  asking: new Asking(
    createGate({ plan: start.plan, keys, clock: systemClock, apiKeys, queueOf: boarding.queues.queueOf }),
    {
      clock: systemClock,
      share: start.share,
      floods: start.floods,
      sharedUs,
    },
  ),
  makeCall: callOf,
  openCalls: new OpenCalls(() => scene.asking.gate, systemClock),
  limiter: new RateLimiter(start.rates),
  spool,
  isOpen: start.isOpen,
  calls: 0,
};
carrying.apply(start);
/** Those that a swap took away, until their last call has ended. */
const leaving = new Set<Listening>();
let listeners: readonly Listening[] = await openAll(start.plan, start.addresses);
answerCalls(answer);
say({ kind: 'ready', addresses: addressesOf(listeners) });

async function answer(call: WorkerCall): Promise<WorkerStatus | Addresses | undefined> {
  switch (call.kind) {
    case 'swap':
      return swap(call);
    case 'peer':
      boarding.peers.add(call.thread, call.port);
      return undefined;
    case 'replicas':
      carrying.setReplicas(call.roster);
      return undefined;
    case 'revoke':
      revoke(new Set(call.ids));
      return undefined;
    case 'admit':
      scene.isOpen = call.open;
      return undefined;
    case 'certificates':
      for (const { plan, setCertificate } of listeners) {
        const text = call.certificates[plan.name];
        if (text !== undefined) setCertificate(text);
      }
      return undefined;
    case 'status':
      return {
        epoch: scene.plan.epoch,
        keptDecisions: scene.asking.kept.size,
        questions: scene.asking.questions,
        issuers: scene.asking.gate.status(),
        traffic: scene.carriages.status(),
        open: scene.openCalls?.count(),
      };
    case 'stop':
      await stop(call.graceMs);
      return undefined;
    case 'end':
      throw new Error('nothing is handed over here');
    default:
      return call satisfies never;
  }
}

/** New listeners first, because only they can fail; then, between two calls, all that decides. */
async function swap(call: Extract<WorkerCall, { kind: 'swap' }>): Promise<Addresses> {
  const { plan, addresses } = call;
  const gate = createGate({ plan, keys, clock: systemClock, previous: scene.asking.gate });
  const staying = listeners.filter((listening) => plan.listeners.some((wanted) => isSame(listening.plan, wanted)));
  const going = listeners.filter((listening) => !staying.includes(listening));
  const coming = plan.listeners.filter((wanted) => !staying.some((listening) => isSame(listening.plan, wanted)));
  const opened = await openAll({ ...plan, listeners: coming }, addresses);
  for (const staid of staying) staid.setAge(plan.listeners.find(({ name }) => name === staid.plan.name)?.connectionAge);
  listeners = [...staying, ...opened];
  const before = scene.asking.gate;
  Object.assign(scene, sceneOf(plan));
  scene.asking.swap(gate);
  carrying.apply(call);
  scene.openCalls?.swapped();
  for (const listening of going) {
    leaving.add(listening);
    void listening.close().then(() => leaving.delete(listening));
  }
  await before.close();
  return addressesOf(listeners);
}

function revoke(ids: ReadonlySet<string>): void {
  scene.asking.revoke(ids);
  scene.openCalls?.revoked(ids);
}

function callOf(of: Scene, { listener, ...arriving }: Arriving): Call {
  if (!arriving.isGrpc) return new Call(of, listener, arriving.exchange);
  const { exchange } = arriving;
  const isStream = of.walkOf(listener, exchange.authority ?? hostOf(exchange), exchange.target) === 'stream';
  return isStream ? new StreamCall(of, listener, exchange) : new GrpcCall(of, listener, exchange);
}

/** Where HTTP/2 has no `:authority`. */
function hostOf({ rawFields }: Arriving['exchange']): string {
  for (let at = 0; at < rawFields.length; at += 2) if (rawFields[at] === 'host') return rawFields[at + 1] as string;
  return '';
}

/** Whether a listener can stay: its routes are the gate's affair, and the address of a socket that was handed over is not ours. */
function isSame(running: ListenerPlan, wanted: ListenerPlan): boolean {
  const isHandedOver = Object.hasOwn(start.sockets, running.name);
  const parts = ({ name, address, tls }: ListenerPlan): string =>
    canonicalJson({ name, tls, ...(!isHandedOver && { address }) });
  if (parts(running) === parts(wanted)) return true;
  if (isHandedOver && running.name === wanted.name) {
    throw new Error(`a change of listener ${wanted.name} needs a restart: its socket was handed over`);
  }
  return false;
}

/** All or none. */
async function openAll(plan: Plan, addresses: Addresses): Promise<Listening[]> {
  const tried = await Promise.allSettled(
    plan.listeners.map((listener) =>
      openListener(scene, {
        plan: listener,
        address: addresses[listener.name] ?? listener.address,
        socket: start.sockets[listener.name],
      }),
    ),
  );
  const opened = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = tried.find((each) => each.status === 'rejected');
  if (failed?.status !== 'rejected') return opened;
  for (const listening of opened) void listening.close();
  throw failed.reason;
}

function addressesOf(open: readonly Listening[]): Addresses {
  return Object.fromEntries(open.map(({ plan, address }) => [plan.name, address]));
}

async function stop(graceMs: number): Promise<void> {
  await Promise.all([...listeners, ...leaving].map((listening) => closeWithin(listening, graceMs)));
  spool.close();
  carrying.close();
  await scene.asking.gate.close();
  apiKeys.close();
}
