import { parentPort } from 'node:worker_threads';
import { Turn } from '../../http2/index.ts';
import { Boarding } from './boarding.ts';
import { Carriages } from './carriage.ts';
import { GrpcUpstreams } from './grpc-replica.ts';
import { Members } from './members.ts';
import type { AssistStart, WorkerCall, WorkerMessage } from './messages.ts';
import { type Scene, sharedUs } from './scene.ts';
import { Upstreams } from './upstreams.ts';
import { Wheel } from './wheel.ts';

/** What of a Plan says how calls are carried, as a thread is started with it and as a swap brings it. */
type Carrying = Pick<AssistStart, 'plan' | 'roster' | 'queues'>;

type SceneParts = Pick<Scene, 'turn' | 'upstreams' | 'grpcUpstreams' | 'carriages' | 'wheel' | 'boarding' | 'sharedUs'>;

/** All by which a thread carries calls to replicas: the same for an engine's own workers and for the one that carries another's. */
export class CarryingParts {
  /** What the thread's scene has of it. */
  readonly scene: SceneParts;
  readonly #members: Members;

  constructor(start: Pick<AssistStart, 'thread' | 'replicas' | 'budgets' | 'boarding'>) {
    const clockUs = sharedUs();
    const turn = new Turn();
    this.#members = new Members({
      memory: start.replicas,
      thread: start.thread,
      nowMs: () => clockUs / 1000 + performance.now(),
      log: (line) => say({ kind: 'log', line }),
    });
    this.scene = {
      turn,
      upstreams: new Upstreams(this.#members),
      grpcUpstreams: new GrpcUpstreams(this.#members, turn),
      carriages: new Carriages({ budgets: start.budgets, sharedUs: clockUs }),
      wheel: new Wheel(),
      boarding: new Boarding({ memory: start.boarding, thread: start.thread }),
      sharedUs: clockUs,
    };
  }

  apply({ plan: { upstreams, access }, roster, queues }: Carrying): void {
    const { carriages, boarding } = this.scene;
    carriages.apply(upstreams);
    this.#members.replace(roster, upstreams, access.services);
    this.#refresh();
    boarding.apply(upstreams, queues);
  }

  /** Services that aren't named stay as they are. */
  setReplicas(roster: Carrying['roster']): void {
    this.#members.merge(roster);
    this.#refresh();
  }

  close(): void {
    const { upstreams, grpcUpstreams, wheel } = this.scene;
    upstreams.close();
    grpcUpstreams.close();
    wheel.close();
  }

  #refresh(): void {
    this.scene.upstreams.refresh();
    this.scene.grpcUpstreams.refresh();
  }
}

/** Tells the main thread. */
export function say(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

type Value = Extract<WorkerMessage, { kind: 'answer' }>['value'];

/** Answers what the main thread asks of this one. */
export function answerCalls(answer: (call: WorkerCall) => Promise<Value>): void {
  parentPort?.on('message', (call: WorkerCall) => {
    answer(call).then(
      (value) => say({ kind: 'answer', turn: call.turn, ...(value && { value }) }),
      (fault: unknown) => say({ kind: 'answer', turn: call.turn, fault: String(fault) }),
    );
  });
}
