import { chainFragment, chainLines, type Piece } from './batch.ts';
import { Block, type SealedBlock } from './block.ts';
import { chunkBytesMax } from './bounds.ts';
import type { Chain } from './chain.ts';
import { OpenCalls } from './open-calls.ts';
import { openForWriting } from './openers.ts';
import { releaseStart } from './release.ts';
import type { SpoolFile, SpoolFiles } from './spool-files.ts';
import type { AuditStatus } from './types.ts';
import type { AuditWriterOptions, WriterBounds } from './writer.ts';

/** What a follower works with. */
export interface FollowerParts {
  readonly options: AuditWriterOptions;
  readonly bounds: WriterBounds;
  readonly spool: SpoolFiles;
  readonly chain: Chain;
}

/** Passes over the files in one round; what is left then is the next round's. */
const passesMax = 64;

/** Brings what is in the spool into the chain, round by round. One round at a time. */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #chunk = Buffer.allocUnsafe(chunkBytesMax);
  readonly #block = new Block();
  readonly #open = new OpenCalls();
  #failure: string | undefined;
  #syncFailure: string | undefined;
  #unreadable = 0;
  #lagMs = 0;
  #syncedMs: number;
  #changed = false;
  #syncing: Promise<void> | undefined;
  #askedMs: number;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#syncedMs = parts.options.clock.now();
    this.#askedMs = this.#syncedMs;
  }

  status(): AuditStatus {
    const { spool, chain } = this.#parts;
    const state = this.#failure === undefined ? 'ok' : 'failing';
    const reason = this.#failure === undefined ? {} : { reason: this.#failure };
    const { position } = chain.state;
    return {
      state,
      ...reason,
      position,
      unreadable: this.#unreadable,
      unclosed: this.#open.count,
      behindBytes: spool.behindBytes(),
      lagMs: this.#lagMs,
    };
  }

  /**
   * Chains what is there; `thorough`: and syncs it, whatever the interval says. Returns whether more is left to chain at
   * once. Never rejects: a failure is a status.
   */
  async round(thorough: boolean): Promise<boolean> {
    let more = false;
    let failure: string | undefined;
    try {
      this.#parts.spool.scan(this.#now());
      more = await this.#drain();
      this.#retire();
      if (thorough) {
        await this.#syncing;
        await this.#sync();
      }
    } catch (error) {
      failure = (error as Error).message;
    }
    this.#settle(failure ?? this.#syncFailure ?? this.#tooFarBehind());
    return more && failure === undefined;
  }

  #now(): number {
    return this.#parts.options.clock.now();
  }

  /** A chunk of each file in turn, so that a busy one holds up none. Returns whether it left off before the end. */
  async #drain(): Promise<boolean> {
    const { files } = this.#parts.spool;
    for (let pass = 0; pass < passesMax; pass += 1) {
      const busy = new Set<string>();
      // A worker's next file waits until the one before it is read to its end, so that its sequence stays in order.
      for (const file of files.values()) {
        if (!busy.has(file.worker) && this.#chainChunk(file)) busy.add(file.worker);
      }
      this.#syncIfDue();
      if (busy.size === 0) return false;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  /** Whether there was something to chain. */
  #chainChunk(file: SpoolFile): boolean {
    const { options, spool } = this.#parts;
    const count = spool.read(file, this.#chunk);
    if (count === 0) return false;
    const whole = this.#chunk.lastIndexOf(10, count - 1) + 1;
    if (whole === 0) return this.#chainFragment(file, count);
    const parse = options.parsers?.[file.engine] ?? options.parse;
    for (const start = file.offset; file.offset - start < whole; ) {
      const lines = this.#chunk.subarray(file.offset - start, whole);
      this.#append(file, chainLines(lines, parse, this.#piece(file)));
    }
    return true;
  }

  /** What has no end yet, where none can come. */
  #chainFragment(file: SpoolFile, count: number): boolean {
    const isTooLong = count === this.#chunk.length;
    if (!isTooLong && !file.finished) return false;
    const fault = isTooLong ? 'longer than a spool line may be' : 'left without an end by a writer that is gone';
    this.#append(file, chainFragment(this.#chunk.subarray(0, count), fault, this.#piece(file)));
    return true;
  }

  #piece(file: SpoolFile): Piece {
    const { position, hash } = this.#parts.chain.state;
    return { spool: file.name, start: file.offset, position, hash, nowMs: this.#now(), block: this.#block };
  }

  #append(file: SpoolFile, block: SealedBlock): void {
    this.#parts.chain.append(block);
    this.#changed = true;
    file.offset = block.end;
    file.grewMs = this.#now();
    this.#tell(block);
  }

  #tell({ calls, timeMs, unreadable, opened, spool }: SealedBlock): void {
    const { onCalls, log } = this.#parts.options;
    if (calls.count > 0) this.#lagMs = Math.max(0, this.#now() - timeMs);
    if (unreadable > 0) log(`audit: ${unreadable} unreadable line(s) in ${spool}, chained as such`);
    this.#unreadable += unreadable;
    this.#open.take(opened, calls);
    if (calls.count > 0) onCalls?.(calls);
  }

  #syncIfDue(): void {
    const due = this.#changed && this.#now() - this.#syncedMs >= this.#parts.bounds.fsyncIntervalMs;
    if (!due || this.#syncing !== undefined) return;
    this.#syncing = this.#sync()
      .catch(() => undefined)
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  async #sync(): Promise<void> {
    this.#syncedMs = this.#now();
    this.#changed = false;
    try {
      const { spool } = await this.#parts.chain.sync();
      this.#syncFailure = undefined;
      this.#removeFinished(spool);
      await this.#release(spool);
    } catch (error) {
      this.#changed = true;
      this.#syncFailure = `sync: ${(error as Error).message}`;
      throw error;
    }
  }

  /** Deletes files whose writer is gone, once all of them is in the chain and on the disk. */
  #removeFinished(synced: Readonly<Record<string, number>>): void {
    const { spool, chain } = this.#parts;
    for (const file of [...spool.files.values()]) {
      if (!file.finished || spool.sizeOf(file) !== (synced[file.name] ?? 0)) continue;
      spool.remove(file);
      chain.forget(file.name);
    }
  }

  /** Keeps files that are written to for long from filling the disk: what is chained and synced is given back. */
  async #release(synced: Readonly<Record<string, number>>): Promise<void> {
    const { spool, bounds, options } = this.#parts;
    for (const file of spool.files.values()) {
      const done = synced[file.name] ?? 0;
      if (done - file.released < bounds.releaseBytesMin) continue;
      file.released = done;
      const fault = await releaseStart(spool.pathOf(file), done);
      if (fault !== undefined) options.log(`audit: ${file.name} stays on the disk as a whole: ${fault}`);
    }
  }

  /** Asks about files that have been still for long whether anyone can still write to them. */
  #retire(): void {
    const { spool, bounds } = this.#parts;
    const nowMs = this.#now();
    if (nowMs - this.#askedMs < bounds.idleMs) return;
    this.#askedMs = nowMs;
    const still = [...spool.files.values()].filter((file) => !file.finished && nowMs - file.grewMs >= bounds.idleMs);
    if (still.length === 0) return;
    const held = openForWriting(new Set(still.map((file) => spool.pathOf(file))));
    for (const file of still) if (held?.has(spool.pathOf(file)) === false) file.finished = true;
    // Finished files are read once more, and deleted, after the next sync.
    this.#changed = true;
  }

  #tooFarBehind(): string | undefined {
    const behind = this.#parts.spool.behindBytes();
    return behind > this.#parts.bounds.spoolBytesMax ? `the spool is ${behind} bytes ahead of the chain` : undefined;
  }

  #settle(failure: string | undefined): void {
    const before = this.#failure;
    this.#failure = failure;
    if ((before === undefined) === (failure === undefined)) return;
    const { log, onStatus } = this.#parts.options;
    log(failure === undefined ? 'audit: recording again' : `audit: can't record: ${failure}`);
    onStatus?.(this.status());
  }
}
