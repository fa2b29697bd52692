import { setImmediate } from 'node:timers/promises';
import type { Denial, DenialReason, GateAnswer, Permit } from '../../gate/index.ts';
import type { Clock } from '../../std/clock.ts';
import type { EndedCall } from '../engine.ts';
import { endCalls } from './end-calls.ts';
import { clearCommand, type OpenCall, openCommand, readOpenCalls } from './open-calls.ts';
import type { OpenPermit, OpenPermits } from './open-permits.ts';

/** Between two looks, where little is open. */
export const streamLookMs = 1000;
/** Where much is open, looks take this share of the time at most; but one comes within so long. */
const lookShare = 0.05;
export const streamLookMsMax = 5000;
/** A call that is open for so long is told of. */
const openedMs = 2000;
/** Decisions one after the other, at most: many at once would hold up what is on its way. */
const turnMax = 200;
/** How long a client may take to end a call that was refused. */
const refusedMs = 10_000;

/** What of a process of HAProxy is needed here. */
export interface WatchedProcess {
  /** Name of the process: what ids of its requests begin with. */
  readonly worker: string;
  readonly isGone: boolean;
  /** Asks what may have a long answer. */
  read(command: string): Promise<string>;
  /** Gives several orders right after one another. */
  batch(commands: readonly string[]): Promise<readonly string[]>;
}

/** A call that has been open for a while. */
export interface OpenedCall extends OpenCall {
  readonly worker: string;
  /** When it was let through, to the second. */
  readonly sinceMs: number;
  readonly held: OpenPermit;
}

export interface StreamWatchOptions {
  readonly permits: OpenPermits;
  readonly processes: () => readonly WatchedProcess[];
  /** Decides anew about an open call. */
  readonly again: (permit: Permit) => GateAnswer;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Hears once of each call that is open for a while. */
  readonly onOpened: (calls: readonly OpenedCall[]) => void;
  /** Whether calls of this permit were handed over, and are ended there. */
  readonly isHanded: (permit: Permit) => boolean;
  readonly endHanded: (calls: readonly EndedCall[]) => Promise<void>;
  /** A call was ended, by its request's id. */
  readonly onEnded: (requestId: string, reason: DenialReason) => void;
}

/** How long those have that were handed over, and were to end with a status: their clients may not read. */
const handedMs = 3000;

/** Times that HAProxy is told to end one call: where neither side reads, it ends when one goes, and carries nothing until then. */
const triesMax = 3;

/** How a permit stands, by what was decided last. */
interface Standing {
  readonly reason?: DenialReason;
  /** It is decided about anew then. */
  readonly untilMs: number;
}

/**
 * Keeps the policy in force on open calls. HAProxy holds a table of them, in which each stands with its permit's number, so that unary
 * calls whose method is known cost nothing and others one entry. Each look asks who is open; permits that end, and those of an access that
 * has changed, are decided about anew, and calls whose permit doesn't hold any more are ended by HAProxy.
 */
export class StreamWatch {
  readonly #options: StreamWatchOptions;
  readonly #standings = new Map<number, Standing>();
  /** When it was asked that a call that was handed over ends, by the request's id. */
  #asked = new Map<string, number>();
  /** How often HAProxy was told that a call ends, by the request's id. */
  #tries = new Map<string, number>();
  /** Ids of open calls that were told of. */
  #told = new Set<string>();
  /** Decisions since something else had its turn. */
  #decided = 0;
  #open: readonly OpenedCall[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isOver = true;
  /** Looks never overlap. */
  #looking: Promise<void> = Promise.resolve();

  constructor(options: StreamWatchOptions) {
    this.#options = options;
  }

  /** What was open at the last look, the oldest first. */
  get open(): readonly OpenedCall[] {
    return this.#open;
  }

  start(): void {
    if (!this.#isOver) return;
    this.#isOver = false;
    this.#next(streamLookMs);
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** The access has changed: each open call is decided about anew, at once. */
  changed(): void {
    this.#standings.clear();
    if (!this.#isOver) void this.look();
  }

  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look()).catch((error: unknown) => this.#failed(error));
    return this.#looking;
  }

  #next(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const startMs = performance.now();
      await this.look();
      if (this.#isOver) return;
      const tookMs = performance.now() - startMs;
      this.#next(Math.min(streamLookMsMax, Math.max(streamLookMs, tookMs / lookShare)));
    }, waitMs).unref();
  }

  async #look(): Promise<void> {
    const { processes, permits, clock } = this.#options;
    const found: OpenedCall[] = [];
    const seen = new Set<string>();
    for (const process of processes()) found.push(...(await this.#lookAt(process, seen)));
    for (const id of this.#tries.keys()) if (!seen.has(id)) this.#tries.delete(id);
    this.#open = found.sort((a, b) => a.sinceMs - b.sinceMs);
    for (const [id, askedMs] of this.#asked) if (askedMs + 2 * handedMs < clock.now()) this.#asked.delete(id);
    const nowMs = clock.now();
    this.#tell(nowMs);
    permits.prune(nowMs);
    for (const number of this.#standings.keys()) if (permits.at(number) === undefined) this.#standings.delete(number);
  }

  /** `seen`: what is open is added, where some of it was to end. */
  async #lookAt(process: WatchedProcess, seen: Set<string>): Promise<OpenedCall[]> {
    if (process.isGone) return [];
    const calls = readOpenCalls(await process.read(openCommand));
    // A process of a Plan without streams has no such table.
    if (calls === undefined) return [];
    await process.read(clearCommand);
    const nowMs = this.#options.clock.now();
    const ending: Ending = { own: new Map(), handed: [] };
    const found: OpenedCall[] = [];
    for (const call of calls) {
      if (this.#decided >= turnMax) {
        this.#decided = 0;
        await setImmediate();
      }
      const held = this.#options.permits.at(call.permit);
      const reason = held === undefined ? strayReason(call, nowMs) : this.#reasonOf(call.permit, held, nowMs);
      if (reason !== undefined) this.#note(ending, { requestId: call.requestId, reason }, held, nowMs);
      if (held === undefined) continue;
      const opened = { ...call, worker: process.worker, sinceMs: call.second * 1000, held };
      if (reason === undefined) found.push(opened);
    }
    if (this.#tries.size > 0) for (const { requestId } of calls) seen.add(requestId);
    await this.#end(process, ending);
    return found;
  }

  /** Why a call of this permit has to end; undefined: it hasn't. */
  #reasonOf(number: number, held: OpenPermit, nowMs: number): DenialReason | undefined {
    held.seenMs = nowMs;
    const before = this.#standings.get(number);
    if (before !== undefined && before.untilMs > nowMs) return before.reason;
    const standing = standingOf(this.#options.again(held.permit), nowMs);
    this.#decided += 1;
    this.#standings.set(number, standing);
    return standing.reason;
  }

  #tell(nowMs: number): void {
    // The second that a call began in has a thousand milliseconds.
    const long = this.#open.filter(({ sinceMs }) => nowMs - sinceMs >= openedMs + 1000);
    const before = this.#told;
    this.#told = new Set(long.map(({ requestId }) => requestId));
    const news = long.filter(({ requestId }) => !before.has(requestId));
    if (news.length > 0) this.#options.onOpened(news);
  }

  /** Who ends it: HAProxy, unless it was handed over, and not too long ago. */
  #note({ own, handed }: Ending, call: EndedCall, held: OpenPermit | undefined, nowMs: number): void {
    const { requestId, reason } = call;
    const askedMs = this.#asked.get(requestId) ?? nowMs;
    if (held !== undefined && this.#options.isHanded(held.permit) && nowMs - askedMs < handedMs) {
      this.#asked.set(requestId, askedMs);
      handed.push(call);
      return;
    }
    const tries = (this.#tries.get(requestId) ?? 0) + 1;
    this.#tries.set(requestId, Math.min(tries, triesMax + 1));
    if (tries <= triesMax) own.set(requestId, reason);
  }

  async #end(process: WatchedProcess, { own, handed }: Ending): Promise<void> {
    const { onEnded, endHanded, log } = this.#options;
    for (const { requestId, reason } of handed) onEnded(requestId, reason);
    if (handed.length > 0) await endHanded(handed);
    const faults = await endCalls(process, own.keys(), (id) => onEnded(id, own.get(id) ?? 'access-ended'));
    for (const fault of faults) log(`haproxy: a stream: ${fault}`);
  }

  #failed(error: unknown): void {
    if (this.#isOver) return;
    this.#options.log(`haproxy: open calls could not be looked at: ${error instanceof Error ? error.message : error}`);
  }
}

/** Calls of one process that end: there, and where they were handed over to. */
interface Ending {
  readonly own: Map<string, DenialReason>;
  readonly handed: EndedCall[];
}

/** Of a call whose permit nobody knows: it is of an earlier life, or was refused and goes on. */
function strayReason({ permit, second }: OpenCall, nowMs: number): DenialReason | undefined {
  if (permit !== 0) return 'access-ended';
  return second * 1000 + refusedMs < nowMs ? 'access-ended' : undefined;
}

function standingOf(answer: GateAnswer, nowMs: number): Standing {
  if (answer.kind === 'permit') return { untilMs: Math.max(answer.fields.keepUntilMs, nowMs + streamLookMs) };
  return { reason: endingOf(answer), untilMs: nowMs + streamLookMs };
}

/** As the audit has it: the access has ended, or the credential. */
function endingOf({ reason }: Denial): DenialReason {
  return reason === 'credential-ended' ? reason : 'access-ended';
}
