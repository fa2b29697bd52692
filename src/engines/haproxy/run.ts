import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { UnrecordedCalls } from '../../audit/types.ts';
import {
  createGate,
  createPasses,
  type Gate,
  type GateKeys,
  type GateRequest,
  loadGateKeys,
  type Passes,
  type Permit,
} from '../../gate/index.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import type { Clock } from '../../std/clock.ts';
import { type OpenKeyFinder, openKeyFinder } from '../../store/index.ts';
import type { SpopAction, SpopMessage } from '../../wire/index.ts';
import type {
  CertificatesByListener,
  EngineContext,
  EngineStatus,
  OpenStreams,
  ReplicasByService,
  RunningEngine,
} from '../engine.ts';
import { GateAgent } from './agent.ts';
import { answerActions, countersOf, type Handing, type Notebook, refusalActions } from './answer.ts';
import { isAssisted } from './assisted.ts';
import { CoreBooks } from './core-book.ts';
import { CounterNumbers } from './counter-numbers.ts';
import { demandsOf, union } from './demands.ts';
import { Endings } from './endings.ts';
import { exportedMetrics } from './exporter.ts';
import { FloodGuard } from './flood.ts';
import { Handover } from './handover.ts';
import { KnownReplicas } from './known-replicas.ts';
import { createLogParser, type LineContext } from './log-line.ts';
import { assistPrefix, frontendName } from './names.ts';
import { questionOf } from './neutral.ts';
import { OpenPermits } from './open-permits.ts';
import { openStreams } from './open-streams.ts';
import { withOpened } from './opened-line.ts';
import { OpenedSpool } from './opened-spool.ts';
import { endKept } from './orphans.ts';
import type { Place } from './place.ts';
import { findPredecessors } from './predecessors.ts';
import { descriptorsOf, HaproxyProcess } from './process.ts';
import { slotsFor } from './slots.ts';
import { type PlannedProcess, patientFrontends, SlowReaders } from './slow-readers.ts';
import { assistSocketFile, settleAddresses, socketDirectory } from './sockets.ts';
import { streamServices } from './stream-services.ts';
import { StreamWatch } from './stream-watch.ts';
import { deadlinesOf } from './traffic-lines.ts';
import { TrafficSums } from './traffic-sums.ts';
import { UnevenWatch } from './uneven.ts';
import { UnrecordedSpool, withUnrecorded } from './unrecorded.ts';
import { wayward } from './wayward.ts';

/** Runs HAProxy and answers it: the newest process listens, earlier ones carry what they have to its end. */
export async function runHaproxy({
  plan,
  clock,
  log,
  sockets: handedOver = {},
  queueOf,
  endHanded,
}: EngineContext): Promise<RunningEngine> {
  const keys = await loadGateKeys(plan.state, clock);
  const sockets = socketDirectory(plan);
  const runner = new Runner({ plan, clock, log, keys, sockets, handedOver, queueOf, endHanded });
  const gateSocket = join(sockets, 'gate.sock');
  const agent = await GateAgent.listen(gateSocket, (message) => runner.answer(message), log);
  try {
    await runner.start(plan);
  } catch (error) {
    await agent.close();
    throw error;
  }
  return {
    addresses: runner.addresses,
    parseSpool: runner.parseSpool,
    failed: runner.failed,
    swap: (next) => runner.swap(next),
    revoke: (ids) => runner.revoke(ids),
    setReplicas: (replicas) => runner.setReplicas(replicas),
    admit: (open) => runner.admit(open),
    setCertificates: (certificates) => runner.setCertificates(certificates),
    status: () => runner.status(),
    ownMetrics: () => runner.ownMetrics(),
    async stop(graceMs) {
      await runner.stop(graceMs);
      await agent.close();
      rmSync(gateSocket, { force: true });
    },
  };
}

interface RunnerOptions {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly keys: GateKeys;
  /** Folder of sockets. */
  readonly sockets: string;
  /** Listening sockets that were handed over to us, by listener. */
  readonly handedOver: NonNullable<EngineContext['sockets']>;
  readonly queueOf: EngineContext['queueOf'];
  readonly endHanded: EngineContext['endHanded'];
}

/** The state of a run. */
class Runner {
  readonly failed: Promise<Error>;
  readonly parseSpool: RunningEngine['parseSpool'];
  addresses: Readonly<Record<string, AddressPlan>> = {};
  readonly #options: RunnerOptions;
  readonly #fail: (error: Error) => void;
  readonly #books: CoreBooks;
  readonly #spoolDirectory: string;
  readonly #life = randomBytes(5).toString('hex');
  readonly #processes = new Map<string, HaproxyProcess>();
  #generation = 0;
  /** Stands in every key beside the epoch, so that a policy that comes back doesn't bring old decisions back. */
  #turn = 0;
  #current: HaproxyProcess | undefined;
  /** The process that may keep answers: the newest, while its configuration is the Plan's. */
  #keeper: HaproxyProcess | undefined;
  #gate: Gate;
  /** Counts what ends kept decisions before their time. */
  #changes = 0;
  readonly #unrecorded: UnrecordedSpool;
  readonly #apiKeys: OpenKeyFinder;
  readonly #passes: Passes;
  readonly #uneven = new UnevenWatch();
  readonly #flood = new FloodGuard();
  readonly #numbers = new CounterNumbers();
  readonly #handover: Handover;
  readonly #replicas = new KnownReplicas();
  readonly #traffic = new TrafficSums();
  readonly #open = new OpenPermits();
  readonly #watch: StreamWatch;
  readonly #endings = new Endings();
  readonly #slow = new SlowReaders(() => this.#watched());
  /** Changes of the Plan and of replicas never overlap. */
  #change: Promise<void> = Promise.resolve();
  #questions = 0;
  #isOpen = true;
  #isStopping = false;

  constructor(options: RunnerOptions) {
    const { plan, keys, clock, log, queueOf } = options;
    this.#options = options;
    const { promise, resolve: fail } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#fail = fail;
    this.#spoolDirectory = resolve(plan.state, 'spool');
    mkdirSync(this.#spoolDirectory, { recursive: true, mode: 0o750 });
    this.#handover = new Handover(clock, log);
    this.#books = new CoreBooks(this.#spoolDirectory);
    this.#unrecorded = new UnrecordedSpool(this.#spoolDirectory, this.#life, log);
    this.#apiKeys = openKeyFinder(plan.state);
    this.#gate = createGate({ plan, keys, clock, apiKeys: this.#apiKeys, ...(queueOf && { queueOf }) });
    this.#passes = createPasses({ keys, environment: plan.environment });
    const opened = new OpenedSpool(this.#spoolDirectory, this.#life, log);
    this.#watch = new StreamWatch({
      permits: this.#open,
      processes: () => this.#watched(),
      again: (permit) => this.#gate.again(permit),
      isHanded: ({ fields }) => isAssisted(this.#gate.plan, fields.operation, this.#uneven.models),
      endHanded: async (calls) => options.endHanded?.(calls),
      clock,
      log,
      onOpened: (calls) => opened.add(calls),
      onEnded: (requestId, reason) => this.#endings.add(requestId, reason),
    });
    const calls = createLogParser(this.#books, (worker) => this.#contextOf(worker));
    const all = withUnrecorded(calls, (worker) => this.#processes.get(worker)?.watch.sawStatusless());
    this.parseSpool = withOpened(all, this.#books);
  }

  /** Starts a process for the Plan; those before it hand over their sockets and drain. */
  async start(plan: Plan): Promise<void> {
    const { clock, log, sockets, handedOver } = this.#options;
    const before = this.#current;
    const directory = resolve(plan.state, 'haproxy');
    const predecessors = before === undefined ? await findPredecessors({ directory, sockets }) : [before.predecessor];
    const isInherited = before === undefined && predecessors.length > 0;
    this.addresses = await settleAddresses(plan, { known: this.addresses, isInherited, handedOver });
    // Their gate was away: what was revoked, and what the policy took back meanwhile, they don't know.
    if (before === undefined) await endKept(predecessors, log);
    this.#generation += 1;
    const place = this.#placeOf(plan);
    const options = {
      plan,
      place,
      // What was demanded once stays, so that policies that come and go need no further process.
      demands: before === undefined ? demandsOf(plan) : union(before.demands, demandsOf(plan)),
      spoolDirectory: this.#spoolDirectory,
      slots: slotsFor(plan, this.#replicas.of(plan)),
      sockets: handedOver,
      previous: predecessors,
      clock,
      log,
      onUnrecorded: (calls: UnrecordedCalls) => this.#unrecorded.add(calls),
    };
    const started = await this.#handover.during(place.worker, before, async () => {
      const made = await HaproxyProcess.start(options);
      this.#processes.set(place.worker, made);
      this.#current = made;
      this.#keeper = made;
      return made;
    });
    void before?.drain();
    void started.exited.then((how) => this.#ended(started, how));
    await started.apply(this.#uneven.orders(plan));
    await started.setEpoch(this.#epochText(), clock.now());
    if (streamServices(plan).size > 0) this.#watch.start();
    if (patientFrontends(plan).size > 0) this.#slow.start();
    this.#books.prune(new Set(this.#processes.keys()));
  }

  /** Answers HAProxy's question with the variables of an answer. */
  async answer(message: SpopMessage): Promise<readonly SpopAction[]> {
    const { worker, backend, key, request } = questionOf(message, listenersOf(this.#gate.plan));
    await this.#handover.over(worker);
    const gate = this.#gate;
    const changes = this.#changes;
    if (!this.#isOpen) return this.#shut(worker, request);
    const { clock } = this.#options;
    this.#questions += 1;
    const askedMs = performance.now();
    const said = await this.#flood.check(request, clock.now(), () => gate.check(request));
    const answer = wayward(gate.plan, said, backend) ?? said;
    const nowMs = clock.now();
    // A swap or a revocation while the gate was asked: the answer is of before, and good for this call alone.
    const keeper = this.#changes === changes && this.#keeper?.place.worker === worker ? this.#keeper : undefined;
    const names = request.message !== undefined ? keeper?.grpcNames : keeper?.names;
    if (answer.kind === 'permit' && key !== '') names?.learn(request.headers);
    const handing = answer.kind === 'permit' ? this.#handing(gate.plan, answer, backend) : undefined;
    const counters = countersOf(answer, request, this.#numbers);
    const isAdmitted = answer.kind === 'permit' ? await this.#handover.count(worker, answer, counters) : undefined;
    const ledger = isAdmitted === undefined ? keeper?.ledger : undefined;
    const gateMs = gate.plan.telemetry === undefined ? {} : { gateMs: performance.now() - askedMs };
    const numberOpen = answer.kind === 'permit' ? this.#numbering(answer, request, nowMs) : undefined;
    const notebook = {
      book: this.#books.of(worker),
      ledger,
      key,
      counters,
      isAdmitted,
      handing,
      numberOpen,
      ...gateMs,
    };
    return answerActions(gate.plan, request, answer, notebook, nowMs);
  }

  swap(plan: Plan): Promise<void> {
    return this.#inTurn(() => this.#swap(plan));
  }

  setReplicas(replicas: ReplicasByService): Promise<void> {
    return this.#inTurn(async () => {
      this.#replicas.learn(replicas);
      await this.#even(replicas);
      await this.#spread(replicas);
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#change.then(work);
    this.#change = done.catch(() => undefined);
    await done;
  }

  /** To all processes; where the newest has no room, another takes over. */
  async #spread(replicas: ReplicasByService): Promise<void> {
    const told = [...this.#processes.values()].map(async (each) => ({
      each,
      hasRoom: await each.setReplicas(replicas),
    }));
    const full = (await Promise.all(told)).some(({ each, hasRoom }) => !hasRoom && each === this.#current);
    if (!full) return;
    // As for a change of structure: nothing may be kept, nor counted, in two places.
    this.#keeper = undefined;
    this.#changes += 1;
    this.#turn += 1;
    await this.#setEpochs();
    await this.start(this.#gate.plan);
  }

  async #swap(plan: Plan): Promise<void> {
    const { keys, clock } = this.#options;
    const before = this.#gate;
    const isServed = this.#current?.serves(plan) === true;
    // INVARIANT: a process whose keys may lack what the new policy reads keeps nothing from here on.
    if (!isServed) this.#keeper = undefined;
    this.#gate = createGate({ plan, keys, clock, previous: before });
    this.#changes += 1;
    this.#turn += 1;
    await this.#setEpochs();
    this.#watch.changed();
    const changed = this.#replicas.takeUp(before.plan, plan);
    if (isServed) await this.#spread(changed);
    else await this.start(plan);
    await before.close();
  }

  async revoke(subjectIds: readonly string[]): Promise<void> {
    this.#changes += 1;
    const revoked = await Promise.all([...this.#processes.values()].map((each) => each.revoke(subjectIds)));
    this.#watch.changed();
    if (revoked.every((isDone) => isDone)) return;
    this.#turn += 1;
    await this.#setEpochs();
  }

  /** Where other models are uneven than before, all that is kept ends: whether a call goes the assisted way stands in its record. */
  async #even(replicas: ReplicasByService): Promise<void> {
    if (!this.#uneven.take(replicas)) return;
    this.#changes += 1;
    this.#turn += 1;
    await Promise.all([...this.#processes.values()].map((each) => each.apply(this.#uneven.orders(each.plan))));
    await this.#setEpochs();
  }

  /** A shut admission is an epoch under which nothing is kept, and an agent that refuses. */
  async admit(open: boolean): Promise<void> {
    this.#isOpen = open;
    this.#changes += 1;
    this.#turn += 1;
    await this.#setEpochs();
  }

  /** Those that are draining accept nothing any more. */
  async setCertificates(certificates: CertificatesByListener): Promise<void> {
    await this.#current?.setCertificates(certificates);
  }

  async status(): Promise<EngineStatus> {
    const processes = [...this.#processes.values()];
    return {
      processes: processes.map((each) => ({
        role: each === this.#current ? 'haproxy' : 'haproxy, draining',
        pid: each.pid,
        epoch: this.#gate.plan.epoch,
      })),
      keptDecisions: processes.reduce((sum, { ledger }) => sum + ledger.size, 0),
      unrecordedCalls: this.#unrecorded.calls,
      endpoints: (await this.#current?.endpoints()) ?? [],
      issuers: this.#gate.status(),
      traffic: this.#traffic.with(processes.flatMap((each) => each.traffic())),
      questions: this.#questions,
      ...(streamServices(this.#gate.plan).size > 0 && { streams: await this.#streams() }),
    };
  }

  #streams(): Promise<OpenStreams> {
    return openStreams(this.#watch.open, this.#watched());
  }

  #watched(): PlannedProcess[] {
    return [...this.#processes.values()].map((each) => each.watched);
  }

  /** Of the newest process: those that drain have their last calls. */
  async ownMetrics(): Promise<string> {
    if (this.#current === undefined) throw new Error('no process of HAProxy runs');
    return exportedMetrics(this.#current.place.metricsSocket);
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#watch.stop();
    this.#slow.stop();
    const processes = [...this.#processes.values()];
    await Promise.all(processes.map((each) => each.end(graceMs)));
    await this.#gate.close();
    this.#apiKeys.close();
  }

  #shut(worker: string, request: GateRequest): SpopAction[] {
    const { plan } = this.#gate;
    const denial = { kind: 'denial', reason: 'audit-unavailable', keepUntilMs: 0, epoch: plan.epoch } as const;
    try {
      const notebook = { book: this.#books.of(worker), ledger: undefined, key: '', counters: [] };
      return answerActions(plan, request, denial, notebook, this.#options.clock.now());
    } catch {
      // The disk that shut admission may well be the one that this would be written to.
      return refusalActions(denial, request);
    }
  }

  /** Undefined: nobody of the Plan's calls is handed over, and this one isn't either. */
  #handing(plan: Plan, { fields }: Permit, backend: string): Handing | undefined {
    const isNow = backend.startsWith(assistPrefix);
    const isKept = isAssisted(plan, fields.operation, this.#uneven.models);
    const seal = (permit: Permit): string => this.#passes.seal(permit, this.#options.clock.now());
    return isNow || isKept ? { isNow, isKept, seal } : undefined;
  }

  /** Undefined: calls of this permit needn't be known while they are open. */
  #numbering({ fields }: Permit, { listener }: GateRequest, nowMs: number): Notebook['numberOpen'] {
    const { operation, keepUntilMs } = fields;
    if (operation.protocol !== 'grpc' || operation.streaming === 'no') return undefined;
    const index = this.#gate.plan.listeners.findIndex(({ name }) => name === listener) + 1;
    return (permit, core) => this.#open.add({ permit, core, listener: index, untilMs: keepUntilMs }, nowMs);
  }

  #placeOf(plan: Plan): Place {
    const { sockets, handedOver } = this.#options;
    const worker = `${this.#life}.${this.#generation}`;
    const directory = join(resolve(plan.state, 'haproxy'), worker);
    return {
      worker,
      directory,
      gateSocket: join(sockets, 'gate.sock'),
      adminSocket: join(sockets, `${worker}.sock`),
      assistSocket: join(sockets, assistSocketFile),
      metricsSocket: join(sockets, `${worker}.metrics`),
      addresses: this.addresses,
      sockets: descriptorsOf(handedOver),
      pem: Object.fromEntries(plan.listeners.map(({ name }, index) => [name, join(directory, `${index + 1}.pem`)])),
    };
  }

  #contextOf(worker: string): LineContext {
    const { plan } = this.#processes.get(worker) ?? this.#gate;
    return {
      environment: plan.environment,
      epoch: this.#gate.plan.epoch,
      listeners: plan.listeners.map(({ name }) => name),
      deadlines: deadlinesOf(plan),
      endings: this.#endings,
    };
  }

  #epochText(): string {
    return `${this.#gate.plan.epoch}.${this.#turn}`;
  }

  async #setEpochs(): Promise<void> {
    await Promise.all(
      [...this.#processes.values()].map((each) => each.setEpoch(this.#epochText(), this.#options.clock.now())),
    );
  }

  #ended(ended: HaproxyProcess, how: string): void {
    const { log } = this.#options;
    this.#processes.delete(ended.place.worker);
    this.#traffic.keep(ended.traffic());
    rmSync(ended.place.directory, { recursive: true, force: true });
    rmSync(ended.place.adminSocket, { force: true });
    rmSync(ended.place.metricsSocket, { force: true });
    if (this.#isStopping) return;
    if (ended !== this.#current) return;
    log(`haproxy: the process ${ended.pid} ended (${how}); a new one is started`);
    this.#current = undefined;
    this.start(this.#gate.plan).catch((error: unknown) => {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    });
  }
}

function listenersOf(plan: Plan): ReadonlyMap<string, string> {
  return new Map(plan.listeners.map(({ name }, index) => [frontendName(index + 1), name]));
}
