import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyAct, keyLine } from '../audit/index.ts';
import type { RunningEngine } from '../engines/engine.ts';
import { type KeyChange, type KeyStore, StoreFault } from '../grants/index.ts';
import { keySubjectId } from '../identity/index.ts';
import type { Clock } from '../std/clock.ts';
import { permitKeptMsMax } from '../std/limits.ts';
import { fileIdentity, openKeyStore, storePath } from '../store/index.ts';
import { messageOf } from './fault.ts';

/** Between two looks at the store. A look is one read of a counter that SQLite keeps in memory. */
const lookMs = 100;
/** Between two tries where the store can't be had. */
const retryMs = 1000;
/** Changes that are older can have no kept decision left. */
const replayMs = 2 * permitKeptMsMax;

export interface KeyWatchOptions {
  readonly state: string;
  readonly engine: string;
  readonly environment: string;
  /** Secret of `Identity.id`. */
  readonly idKey: Uint8Array;
  readonly running: Pick<RunningEngine, 'revoke' | 'status'>;
  /** Whether the policy has API keys: then the store is made where there is none. */
  readonly isNeeded: () => boolean;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

export interface KeyWatchStatus {
  /** `none`: there are no keys, and the policy asks for none. */
  readonly state: 'ok' | 'none' | 'failing';
  readonly reason?: string;
}

export interface KeyWatch {
  status(): KeyWatchStatus;
  /** Ends it, after the look that is under way. */
  stop(): Promise<void>;
}

/**
 * Ends kept decisions of keys that were revoked or rotated, within a look of it, and notes in the store that the engine has
 * confirmed. Returns once the changes of the last minutes are taken up: a process of an engine may have outlived its gate.
 */
export async function watchKeys(options: KeyWatchOptions): Promise<KeyWatch> {
  const watch = new Watch(options);
  await watch.look();
  watch.schedule();
  return watch;
}

class Watch implements KeyWatch {
  readonly #options: KeyWatchOptions;
  readonly #run = randomBytes(6).toString('hex');
  #store: KeyStore | undefined;
  /** Of the file that is open. */
  #identity = '';
  /** Counter of the store when it was last read to its end. */
  #version: number | undefined;
  /** The last change that was taken up. */
  #taken = 0;
  #failure: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
  }

  status(): KeyWatchStatus {
    if (this.#failure !== undefined) return { state: 'failing', reason: this.#failure };
    return { state: this.#store === undefined ? 'none' : 'ok' };
  }

  schedule(): void {
    if (this.#isStopping) return;
    this.#timer = setTimeout(
      () => void this.look().then(() => this.schedule()),
      this.#failure ? retryMs : lookMs,
    ).unref();
  }

  look(): Promise<void> {
    this.#looking = this.#look();
    return this.#looking;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#looking;
    try {
      this.#store?.leave(this.#run);
    } catch {
      // What is left of it goes when the next gateway joins.
    }
    this.#close();
  }

  /** Never rejects: a store that can't be had is looked for again, and lets nobody in meanwhile. */
  async #look(): Promise<void> {
    try {
      const store = this.#opened();
      if (store !== undefined) await this.#takeUp(store);
      this.#settle(undefined);
    } catch (cause) {
      if (cause instanceof StoreFault) this.#close();
      const closed = 'calls with an API key are answered 503 unless they were decided before';
      const kept = 'what is kept of revoked keys may still let them in; it is tried again';
      this.#settle(`${messageOf(cause)}; ${cause instanceof StoreFault ? closed : kept}`);
    }
  }

  /** Opens it where it isn't open, or where another file has taken its place. */
  #opened(): KeyStore | undefined {
    const { state, isNeeded, clock, engine, environment } = this.#options;
    const path = storePath(state);
    const exists = existsSync(path);
    if (this.#store !== undefined && exists && fileIdentity(path) === this.#identity) return this.#store;
    this.#close();
    if (!exists && !isNeeded()) return undefined;
    const store = openKeyStore(state);
    this.#store = store;
    this.#identity = fileIdentity(path);
    const confirmedMs = clock.now();
    this.#taken = store.lastChangeBefore(confirmedMs - replayMs);
    const { pid } = process;
    store.join({ run: this.#run, engine, environment, pid, confirmed: this.#taken, confirmedMs, processes: [] });
    return store;
  }

  async #takeUp(store: KeyStore): Promise<void> {
    const version = store.version();
    if (version === this.#version) return;
    const { running, idKey, clock } = this.#options;
    for (let changes = store.changesAfter(this.#taken); changes.length > 0; changes = store.changesAfter(this.#taken)) {
      const names = new Set(changes.filter(({ kind }) => kind !== 'created').map(({ name }) => name));
      if (names.size > 0) await running.revoke([...names].map((name) => keySubjectId(idKey, name)));
      const confirmedMs = clock.now();
      const confirmed = changes.at(-1)?.number ?? this.#taken;
      store.confirm({ run: this.#run, confirmed, confirmedMs, processes: await processesOf(running) });
      this.#taken = confirmed;
      for (const change of changes) this.#tell(change, confirmedMs);
    }
    this.#audit(store);
    this.#version = version;
  }

  /** Written down before it is noted as such: over a crash an act may be there twice, with one number, and is never missing. */
  #audit(store: KeyStore): void {
    const directory = join(this.#options.state, 'spool');
    for (let changes = store.unaudited(); changes.length > 0; changes = store.unaudited()) {
      mkdirSync(directory, { recursive: true, mode: 0o750 });
      const text = changes.map((change) => keyLine(actOf(change))).join('');
      appendFileSync(join(directory, `control-${this.#run}-1.spool`), text, { mode: 0o640 });
      store.noteAudited(changes.at(-1)?.number ?? 0);
    }
  }

  /** What happened before this run was told then. */
  #tell({ kind, keyId, name, by, atMs }: KeyChange, confirmedMs: number): void {
    if (confirmedMs - atMs > retryMs * 5) return;
    this.#options.log(`keys: ${by} ${kind} ${name} (${keyId}); in force ${Math.max(0, confirmedMs - atMs)} ms later`);
  }

  #settle(failure: string | undefined): void {
    const before = this.#failure;
    this.#failure = failure;
    if (before === failure) return;
    const { log } = this.#options;
    log(`keys: ${failure ?? 'all is well again'}`);
  }

  #close(): void {
    this.#store?.close();
    this.#store = undefined;
    this.#version = undefined;
  }
}

function actOf({ number, kind, keyId, name, owner, by, atMs, endsMs }: KeyChange): KeyAct {
  return { timeMs: atMs, change: number, act: kind, keyId, name, owner, by, endsMs };
}

async function processesOf(running: KeyWatchOptions['running']): Promise<string[]> {
  const { processes } = await running.status();
  return processes.map(({ role, pid }) => `${role} (pid ${pid})`);
}
