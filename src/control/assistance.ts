import type {
  Assisting,
  AssistingStatus,
  EndHanded,
  Engine,
  EngineContext,
  EngineStatus,
  ReplicasByService,
  RunningEngine,
} from '../engines/engine.ts';
import type { Plan } from '../plan/types.ts';
import { sumByService } from '../traffic/index.ts';
import { loadEngine } from './engines.ts';

/**
 * Runs an engine, and beside it, while its realization of the Plan has assisted routes, what carries those. What is asked of the engine
 * is asked of both.
 */
export async function runAssisted(engine: Engine, context: EngineContext): Promise<RunningEngine> {
  if (engine.assistSocket === undefined) return engine.run(context);
  const assistance = new Assistance(engine, context);
  await assistance.prepare(context.plan);
  let running: RunningEngine;
  try {
    running = await engine.run({ ...context, queueOf: assistance.queueOf, endHanded: assistance.endHanded });
  } catch (error) {
    await assistance.stop(0);
    throw error;
  }
  return withAssistance(running, assistance);
}

function withAssistance(running: RunningEngine, assistance: Assistance): RunningEngine {
  const ours: Partial<RunningEngine> = {
    async swap(plan) {
      await assistance.prepare(plan);
      try {
        await running.swap(plan);
      } catch (error) {
        await assistance.keep();
        throw error;
      }
      assistance.settle(plan, running);
    },
    async setReplicas(replicas) {
      await assistance.setReplicas(replicas);
      await running.setReplicas?.(replicas);
    },
    status: async () => together(await running.status(), await assistance.status()),
    async stop(graceMs) {
      // Calls that the engine has handed over end with it.
      await running.stop(graceMs);
      await assistance.stop(graceMs);
    },
  };
  // What is not ours to add to is the engine's own.
  return Object.assign(Object.create(running) as RunningEngine, ours);
}

/** Between two looks at whether processes of the Plan before are still there. */
const lingerLookMs = 500;
/** How long calls have that were handed over before the last assisted route went. */
const lastGraceMs = 1000;

/** The assisting side, as far as the Plan needs one. */
class Assistance {
  readonly #engine: Engine;
  readonly #context: EngineContext;
  #side: Assisting | undefined;
  /** What the engine runs; what it is to run next. */
  #plan: Plan;
  #wanted: Plan;
  #replicas: ReplicasByService = {};
  #lingering: NodeJS.Timeout | undefined;
  /** The one before takes its socket with it. */
  #ended: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, context: EngineContext) {
    this.#engine = engine;
    this.#context = context;
    this.#plan = context.plan;
    this.#wanted = context.plan;
  }

  readonly queueOf: Assisting['queueOf'] = (service, model) => this.#side?.queueOf(service, model);

  readonly endHanded: EndHanded = async (calls) => this.#side?.end(calls);

  /** Before the engine takes a Plan up: no call may be handed over to nobody. */
  async prepare(plan: Plan): Promise<void> {
    this.#wanted = plan;
    if (this.#side !== undefined) await this.#side.swap(plan);
    else if (this.#isNeeded(plan)) this.#side = await this.#start(plan);
  }

  /** The engine did not take it up. */
  async keep(): Promise<void> {
    this.#wanted = this.#plan;
    await this.#side?.swap(this.#plan);
  }

  /** The engine has taken it up. Where nothing of it is assisted, the side goes with the last process of a Plan before, which hands over still. */
  settle(plan: Plan, running: RunningEngine): void {
    this.#plan = plan;
    if (this.#side === undefined || this.#isNeeded(plan) || this.#lingering !== undefined) return;
    this.#lingering = setInterval(() => void this.#lookWhetherLast(running), lingerLookMs);
  }

  async #lookWhetherLast(running: RunningEngine): Promise<void> {
    const processes = await running.status().then(
      (status) => status.processes.length,
      () => 0,
    );
    const isNeeded = this.#isNeeded(this.#wanted);
    if (!isNeeded && processes > 1) return;
    clearInterval(this.#lingering);
    this.#lingering = undefined;
    if (!isNeeded) await this.stop(lastGraceMs);
  }

  async setReplicas(replicas: ReplicasByService): Promise<void> {
    this.#replicas = { ...this.#replicas, ...replicas };
    await this.#side?.setReplicas?.(replicas);
  }

  async status(): Promise<AssistingStatus | undefined> {
    return this.#side?.status();
  }

  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#lingering);
    const side = this.#side;
    this.#side = undefined;
    this.#ended = this.#ended.then(() => side?.stop(graceMs));
    await this.#ended;
  }

  #isNeeded(plan: Plan): boolean {
    return (this.#engine.realize(plan).assisted ?? []).length > 0;
  }

  async #start(plan: Plan): Promise<Assisting> {
    await this.#ended;
    const embedded = await loadEngine('embedded');
    const socket = this.#engine.assistSocket?.(plan);
    if (embedded.assist === undefined || socket === undefined) throw new Error('nobody carries assisted routes');
    const side = await embedded.assist({ ...this.#context, plan, socket });
    await side.setReplicas?.(this.#replicas);
    return side;
  }
}

/** Each replica once; what is in flight at it by either way counts. */
function together(status: EngineStatus, side: AssistingStatus | undefined): EngineStatus {
  if (side === undefined) return status;
  const endpoints = new Map(status.endpoints.map((each) => [`${each.service} ${each.address}`, each]));
  for (const each of side.endpoints) {
    const name = `${each.service} ${each.address}`;
    const before = endpoints.get(name);
    const isEjected = before?.isEjected === true || each.isEjected === true;
    const inFlight = each.inFlight + (before?.inFlight ?? 0);
    endpoints.set(name, { ...each, ...before, inFlight, ...(isEjected && { isEjected }) });
  }
  const queues = [...(status.queues ?? []), ...(side.queues ?? [])];
  const traffic = [...(status.traffic ?? []), ...(side.traffic ?? [])];
  return {
    ...status,
    endpoints: [...endpoints.values()],
    processes: [...status.processes, ...side.processes],
    ...(queues.length > 0 && { queues }),
    ...(traffic.length > 0 && { traffic: sumByService(traffic) }),
  };
}
