import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnrecordedCalls } from '../../audit/types.ts';
import type { Plan } from '../../plan/types.ts';
import { canonicalJson } from '../../std/canonical-json.ts';
import type { Clock } from '../../std/clock.ts';
import type {
  CertificatesByListener,
  CertificateText,
  EndpointStatus,
  ReplicasByService,
  ServiceTraffic,
} from '../engine.ts';
import { CallWatch } from './call-watch.ts';
import { spoolName } from './core-book.ts';
import { type Demands, demandsOf, union } from './demands.ts';
import { Ledger } from './ledger.ts';
import { MapEditor } from './map-editor.ts';
import { files, frontendName, spoolDescriptor, variables } from './names.ts';
import type { Place } from './place.ts';
import { KnownNames } from './plain-names.ts';
import { realizeHaproxy } from './realize.ts';
import { RuntimeApi } from './runtime-api.ts';
import { ServerSlots } from './server-slots.ts';
import { emptied, type SlotsByService } from './slots.ts';
import type { PlannedProcess } from './slow-readers.ts';
import { TrafficWatch } from './traffic-watch.ts';

/** How long HAProxy may take until it listens. */
const startMsMax = 10_000;
/** Between two looks at whether it has come so far. */
const pauseMs = 20;
/** How long the last look at a process that is to end may take. */
const lastLookMs = 1000;
/** A connection that came just before the end has this long to send its call: until then it looks like one that is idle. */
const arrivalMs = 100;
/** Between two looks at whether the last connection has gone. */
const drainLookMs = 500;
/** How long an end may take, from when it can't be asked any more. */
const endingMsMax = 1000;
/** After SIGTERM; it has only to close its files. */
const killMs = 2000;
/** Entries of a map that are removed at once: HAProxy stands still for 0.3 ms for each, where it holds 10,000. */
const removalsMax = 64;
/** Lines of HAProxy's own that are passed on, at most; it can be made to write many. */
const linesMax = 100;

type SocketsByListener = NonNullable<Place['sockets']>;

/** A process that came before and still runs. */
export interface Predecessor {
  readonly pid: number;
  /** Where its listening sockets can be had; none where it doesn't answer. */
  readonly adminSocket?: string;
}

export interface StartOptions {
  readonly plan: Plan;
  readonly place: Place;
  readonly demands: Demands;
  readonly spoolDirectory: string;
  /** Its servers at first. */
  readonly slots: SlotsByService;
  /** Our descriptors of sockets that were handed over to us, by listener. */
  readonly sockets: SocketsByListener;
  /** Hands its sockets over, then goes when its calls have ended. */
  readonly previous: readonly Predecessor[];
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Hears of calls that left no line. */
  readonly onUnrecorded: (calls: UnrecordedCalls) => void;
}

/** One process of HAProxy: its files, its spool file, its Runtime API, and what it keeps. */
export class HaproxyProcess {
  readonly plan: Plan;
  readonly place: Place;
  readonly demands: Demands;
  readonly pid: number;
  readonly api: RuntimeApi;
  readonly ledger: Ledger;
  readonly names: KnownNames;
  readonly grpcNames: KnownNames;
  /** Resolves with how it ended. */
  readonly exited: Promise<string>;
  epoch: string;
  /** Finds the calls that leave no line. */
  readonly watch: CallWatch;
  readonly #maps: MapEditor;
  readonly #servers: ServerSlots;
  readonly #traffic: TrafficWatch;
  #isGone = false;

  private constructor({ plan, place, demands, slots, clock, log, onUnrecorded }: StartOptions, child: ChildProcess) {
    this.plan = plan;
    this.place = place;
    this.demands = demands;
    this.epoch = plan.epoch;
    this.pid = child.pid ?? 0;
    this.api = new RuntimeApi(place.adminSocket);
    this.#maps = new MapEditor(this.api, place, log);
    const onChange = (service: string): void => this.#traffic.expect(service);
    this.#servers = new ServerSlots({ plan, slots, api: this.api, log, onChange });
    this.#traffic = new TrafficWatch({ plan, api: this.api, servers: this.#servers, clock, log });
    this.ledger = new Ledger(this.#maps.permits, clock.now());
    this.names = new KnownNames(this.#maps.names, demands.headers);
    this.grpcNames = new KnownNames(this.#maps.grpcNames, demands.headers, true);
    this.watch = new CallWatch({
      ask: (command) => this.api.ask(command),
      worker: place.worker,
      listeners: plan.listeners.map(({ name }) => name),
      clock,
      onFound: onUnrecorded,
    });
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.exited.then(() => {
      this.#isGone = true;
      this.watch.gone();
      this.#traffic.end();
      this.api.close();
    });
  }

  /** Writes the files, starts HAProxy, and waits until it listens. Rejects with what HAProxy said. */
  static async start(options: StartOptions): Promise<HaproxyProcess> {
    const { place, spoolDirectory } = options;
    writeFiles(options);
    const spool = openSync(join(spoolDirectory, spoolName(place.worker)), 'a', 0o600);
    const said: string[] = [];
    try {
      const child = launch(options, spool);
      passOn(child, said, options.log);
      const process = new HaproxyProcess(options, child);
      await process.#ready(said);
      process.watch.start();
      process.#traffic.start();
      return process;
    } finally {
      closeSync(spool);
    }
  }

  /** Whether its configuration serves this Plan, too: all but the epoch and the replicas is the same, and those have room. */
  serves(plan: Plan): boolean {
    const demands = union(this.demands, demandsOf(plan));
    const { slots } = this.#servers;
    const text = (of: Plan, needed: Demands): string =>
      canonicalJson(realizeHaproxy({ ...of, epoch: '' }, this.place, needed, emptied(slots)).files);
    return text(plan, demands) === text(this.plan, this.demands);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** As those see it who look at what is open. */
  get watched(): PlannedProcess {
    return {
      plan: this.plan,
      worker: this.place.worker,
      isGone: this.#isGone,
      read: (command) => this.api.read(command),
      batch: (commands) => this.api.batch(commands).catch(() => this.api.each(commands)),
    };
  }

  get predecessor(): Predecessor {
    return { pid: this.pid, adminSocket: this.place.adminSocket };
  }

  /** From when it returns, no decision that was kept before is found. `text`: letters, digits and `.`. */
  async setEpoch(text: string, nowMs: number): Promise<void> {
    if (this.#isGone) return;
    // What it answers is the new value.
    await this.api.ask(`set var ${variables.epoch} str(${text})`).catch((error: unknown) => this.#unlessGone(error));
    this.epoch = text;
    this.ledger.forget(nowMs);
  }

  /** Gives it orders, of which it answers what it likes. */
  async apply(orders: readonly string[]): Promise<void> {
    if (this.#isGone) return;
    for (const order of orders) await this.api.ask(order).catch((error: unknown) => this.#unlessGone(error));
  }

  /**
   * Serves new connections with these from now on (`set ssl cert`, `commit ssl cert`). A certificate that HAProxy doesn't take leaves
   * the one from before in place. Those of listeners that it doesn't have are passed over.
   */
  async setCertificates(certificates: CertificatesByListener): Promise<void> {
    for (const [listener, text] of Object.entries(certificates)) {
      const path = this.place.pem?.[listener];
      if (path === undefined || this.#isGone) continue;
      const pem = pemText(text);
      const set = await this.api.ask(`set ssl cert ${path} <<\n${pem}`);
      if (!/transaction (created|updated)/i.test(set)) throw new Error(`set ssl cert: ${set}`);
      const done = await this.api.ask(`commit ssl cert ${path}`);
      if (!/success/i.test(done)) throw new Error(`commit ssl cert: ${done}`);
      writeFileSync(path, pem, { mode: 0o600 });
    }
  }

  /** Ends what is kept for these subjects. False: that is too much to be ended one by one, and a new epoch has to do it. */
  async revoke(subjectIds: readonly string[]): Promise<boolean> {
    const held = this.ledger.revoke(subjectIds);
    if (this.#isGone) return true;
    if (held.length > removalsMax) return false;
    for (const { half, key } of held) this.#maps.permits.remove(half, key);
    await this.#maps.done().catch((error: unknown) => this.#unlessGone(error));
    return true;
  }

  /** Another process has taken over: it goes as soon as nobody holds a connection to it; we are the last, and count its calls. */
  async drain(): Promise<void> {
    for (let isIdle = false; !this.#isGone && !isIdle; await pause(drainLookMs)) {
      await this.watch.look();
      // Connections that come no more: it has given its sockets up.
      const text = await this.api.ask('show info').catch(() => '');
      const { connections, inFlight } = this.watch.counts ?? {};
      isIdle = /^Stopping: 1$/m.test(text) && connections === 0 && inFlight === 0;
    }
    await this.watch.end();
    this.#traffic.end();
    this.api.beBrief();
  }

  /** Stops accepting, waits for its calls but no longer than `graceMs`, and ends it; idle connections are not waited for. */
  async end(graceMs: number): Promise<void> {
    this.#signal('SIGUSR1');
    const untilMs = performance.now() + graceMs;
    await pause(Math.min(arrivalMs, graceMs));
    while (!this.#isGone && performance.now() < untilMs && (await this.#callsInFlight()) > 0) await pause();
    await Promise.race([this.watch.end(), pause(lastLookMs)]);
    this.#signal('SIGTERM');
    const timer = setTimeout(() => this.#signal('SIGKILL'), killMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** The replicas and what is on its way to each. */
  endpoints(): Promise<EndpointStatus[]> {
    return this.#servers.endpoints();
  }

  /** Counts since its start, by service. */
  traffic(): ServiceTraffic[] {
    return this.#traffic.traffic();
  }

  /** Spreads calls over these. False: it has too few slots. */
  async setReplicas(replicas: ReplicasByService): Promise<boolean> {
    if (this.#isGone) return true;
    try {
      return await this.#servers.setReplicas(replicas);
    } catch (error) {
      await this.#unlessGone(error);
      return true;
    }
  }

  /** An idle connection has no stream. */
  async #callsInFlight(): Promise<number> {
    const text = await this.api.ask('show sess').catch(() => '');
    return text.split(` fe=${frontendName(1).slice(0, -1)}`).length - 1;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#isGone) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It went in the meantime.
    }
  }

  /** One that is ending has closed its socket some time before we hear that it has gone. */
  async #unlessGone(error: unknown): Promise<void> {
    await Promise.race([this.exited, pause(endingMsMax)]);
    if (!this.#isGone) throw error;
  }

  async #ready(said: readonly string[]): Promise<void> {
    const until = Date.now() + startMsMax;
    for (;;) {
      try {
        const text = await this.api.ask('show info');
        if (Number(/^Pid: (\d+)$/m.exec(text)?.[1]) === this.pid) return;
      } catch {
        // It does not listen yet.
      }
      if (this.#isGone) throw new Error(`haproxy did not start: ${await this.exited}: ${said.join(' ')}`);
      if (Date.now() > until) {
        this.#signal('SIGKILL');
        throw new Error('haproxy did not listen in time');
      }
      await pause();
    }
  }
}

function pause(ms = pauseMs): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function writeFiles({ plan, place, demands, slots }: StartOptions): void {
  mkdirSync(place.directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(realizeHaproxy(plan, place, demands, slots).files)) {
    writeFileSync(join(place.directory, name), text, { mode: 0o600 });
  }
  for (const { name, tls } of plan.listeners) {
    const path = place.pem?.[name];
    if (tls === undefined || path === undefined) continue;
    const text = { certificate: readFileSync(tls.certificate, 'utf8'), key: readFileSync(tls.key, 'utf8') };
    writeFileSync(path, pemText(text), { mode: 0o600 });
  }
}

/** Both in one text without an empty line, which would end it for the Runtime API. */
function pemText({ certificate, key }: CertificateText): string {
  const lines = `${certificate}\n${key}`.split(/\r?\n/).filter((line) => line.trim() !== '');
  return `${lines.join('\n')}\n`;
}

/**
 * What HAProxy frees goes to a pool of its own, not to the allocator: its cache for a thread (512 kB) holds 16 buffers of our size,
 * and each further one was had from the system anew, about 3 µs a call.
 */
const poolOption = '-dMglobal';
/**
 * glibc gives memory back to the kernel after each burst of calls, to ask for it again: 0.7 page faults a call. And it asks for small
 * pages: where the kernel gives large ones to those who ask (`madvise`), what is kept for thousands of callers is found sooner.
 */
const allocation = {
  MALLOC_TRIM_THRESHOLD_: '1000000000',
  MALLOC_TOP_PAD_: '33554432',
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
} as const;

/** Descriptors that HAProxy is started with: its spool, then the sockets that were handed over to us, from `spoolDescriptor` on. */
export function descriptorsOf(sockets: SocketsByListener): SocketsByListener {
  let next = spoolDescriptor;
  return Object.fromEntries(
    Object.entries(sockets).map(([listener, ours]) => [
      listener,
      ours.map(() => {
        next += 1;
        return next;
      }),
    ]),
  );
}

function launch({ place, previous, sockets }: StartOptions, spool: number): ChildProcess {
  const socket = previous.at(-1)?.adminSocket;
  const pids = previous.map(({ pid }) => String(pid));
  const takeOver = [...(socket === undefined ? [] : ['-x', socket]), ...(pids.length === 0 ? [] : ['-sf', ...pids])];
  return spawn('haproxy', ['-db', poolOption, '-f', join(place.directory, files.configuration), ...takeOver], {
    env: { ...process.env, ...allocation },
    // A group of its own: an interrupt at the terminal is for us, who then lets it drain.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', spool, ...Object.values(sockets).flat()],
  });
}

function passOn(child: ChildProcess, said: string[], log: (line: string) => void): void {
  let lines = 0;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter(isWorthSaying)) {
      lines += 1;
      if (said.length < linesMax) said.push(line);
      if (lines <= linesMax) log(`haproxy: ${line}`);
    }
  });
}

/** Its notices, that proxies stop when it goes, and what it says of servers, which it was told by us, are no news. */
function isWorthSaying(line: string): boolean {
  return line.trim() !== '' && !/\[NOTICE\]|Proxy \S+ stopped|Server \S+ is |has no server available/.test(line);
}
