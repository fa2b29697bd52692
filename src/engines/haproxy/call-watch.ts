import type { UnrecordedCalls } from '../../audit/types.ts';
import type { Clock } from '../../std/clock.ts';
import { type CallCounts, countsCommand, readCounts, strayStreams } from './call-counts.ts';

/** Between two looks. A difference has to be there at two of them. */
const lookMs = 1000;

export interface CallWatchOptions {
  /** Asks the Runtime API. */
  readonly ask: (command: string) => Promise<string>;
  readonly worker: string;
  /** Names, in the order of the Plan. */
  readonly listeners: readonly string[];
  readonly clock: Clock;
  readonly onFound: (calls: UnrecordedCalls) => void;
}

/** A difference at one look. */
interface Missing {
  /** Calls that have ended without a line, less those that were told of. */
  readonly calls: number;
  /** By listener: so many at most. */
  readonly atMost: readonly number[];
  readonly atMs: number;
}

/**
 * Finds the calls of one HAProxy process that left no line. HAProxy counts calls as they begin and as they end; the difference is
 * what is on its way, which its backends count, too. What neither explains has ended without a line. One moment's counts are exact
 * whatever the load; nothing is added to a call for it.
 */
export class CallWatch {
  readonly #options: CallWatchOptions;
  #sinceMs: number;
  #told = 0;
  /** Calls that have a line, and whose end HAProxy doesn't count. */
  #statusless = 0;
  /** Of these, by listener, those for which there was only one it could be. */
  readonly #toldOf: number[];
  #before: Missing | undefined;
  #last: CallCounts | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Looks never overlap. */
  #looking: Promise<void> = Promise.resolve();
  #isOver = true;

  constructor(options: CallWatchOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
    this.#toldOf = options.listeners.map(() => 0);
  }

  /** What HAProxy counted when it was looked at last. */
  get counts(): CallCounts | undefined {
    return this.#last;
  }

  /** A line was read of a call that ended without a status. */
  sawStatusless(): void {
    this.#statusless += 1;
  }

  /** Looks once a second until it is ended. */
  start(): void {
    this.#isOver = false;
    this.#timer = setInterval(() => void this.look(), lookMs).unref();
  }

  /** Looks now. What is missing has to be missing at the next look, too. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  async #look(): Promise<void> {
    const missing = await this.#missing();
    if (missing === undefined) return;
    const before = this.#before;
    this.#before = missing.calls > 0 ? missing : undefined;
    if (missing.calls <= 0 || before === undefined) return;
    const atMost = missing.atMost.map((count, index) => Math.min(count, before.atMost[index] ?? 0));
    this.#tell({ calls: Math.min(missing.calls, before.calls), atMost, atMs: before.atMs });
    this.#before = undefined;
  }

  /** The last look at a process that is about to be ended: what is still on its way may leave no line. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    await this.look();
    await this.look();
    if (this.#isOver) return;
    this.#stop();
    const cut = this.#last?.inFlight ?? 0;
    if (cut > 0) this.#found({ calls: cut, listeners: this.#options.listeners, cause: 'cut', untilMs: this.#now() });
  }

  /** The process has gone by itself. */
  gone(): void {
    if (this.#isOver) return;
    this.#stop();
    const { listeners } = this.#options;
    this.#found({ calls: null, listeners, cause: 'killed', untilMs: this.#now() });
  }

  #stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  #now(): number {
    return this.#options.clock.now();
  }

  /** Undefined: nobody knows. */
  async #missing(): Promise<Missing | undefined> {
    const { ask, listeners } = this.#options;
    const atMs = this.#now();
    const counts = readCounts(await ask(countsCommand).catch(() => ''), listeners.length);
    if (counts === undefined || this.#isOver) return undefined;
    this.#last = counts;
    const open = counts.open.reduce((sum, count) => sum + count, 0);
    // Where rows are of different moments, only a moment without calls says anything.
    if (!counts.isExact && counts.inFlight > 0) return undefined;
    const calls = open - counts.inFlight - this.#told - this.#statusless;
    const atMost = counts.open.map((count, index) => count - (this.#toldOf[index] ?? 0));
    if (calls <= 0) {
      if (this.#before === undefined) this.#sinceMs = atMs;
      return { calls: 0, atMost, atMs };
    }
    const strays = strayStreams(await ask('show sess').catch(() => ''));
    return { calls: calls - strays, atMost, atMs: this.#now() };
  }

  #tell({ calls, atMost, atMs }: Missing): void {
    const { listeners } = this.#options;
    const possible = listeners.flatMap((_, index) => ((atMost[index] ?? 0) > 0 ? [index] : []));
    const [only] = possible;
    if (only !== undefined && possible.length === 1) this.#toldOf[only] = (this.#toldOf[only] ?? 0) + calls;
    this.#told += calls;
    const names = possible.flatMap((index) => listeners[index] ?? []);
    this.#found({ calls, listeners: names, cause: 'no-answer', untilMs: atMs });
    this.#sinceMs = atMs;
  }

  #found(found: Pick<UnrecordedCalls, 'calls' | 'listeners' | 'cause' | 'untilMs'>): void {
    const { worker, onFound } = this.#options;
    onFound({ timeMs: this.#now(), engine: 'haproxy', worker, ...found, sinceMs: this.#sinceMs });
  }
}
