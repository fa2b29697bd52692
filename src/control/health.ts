import { Client } from 'undici';
import { type Check, type Found, HealthBook, type HealthTarget } from '../traffic/index.ts';
import { messageOf, systemCode } from './fault.ts';
import { readModelStatus } from './model-status.ts';
import { ReplicaNews } from './replica-news.ts';

/** How often it is looked what is due. */
const lookMs = 50;
/** How long a check may take: `every`, within these. */
const checkMsMin = 1000;
const checkMsMax = 5000;
const statusBytesMax = 1024 * 1024;
/** A connection is kept from one check to the next, so that its end tells that the replica went away. */
const keptMsMin = 10_000;

export interface PollerOptions {
  /** Milliseconds; only differences count. */
  readonly nowMs: () => number;
  /** Something in the book has changed. */
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

interface Line {
  readonly client: Client;
  readonly timeoutMs: number;
}

/** Polls each replica over its REST address, once for the whole gateway: `HealthBook` says what and when. */
export class HealthPoller {
  readonly book = new HealthBook();
  readonly #options: PollerOptions;
  readonly #news: ReplicaNews;
  readonly #lines = new Map<string, Line>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#news = new ReplicaNews(options.log);
  }

  take(targets: readonly HealthTarget[]): void {
    const wanted = new Map(
      targets.flatMap(({ service, replicas, health }) =>
        replicas.map((replica) => [keyOf(service, replica), { service, replica, everyMs: health.everyMs }] as const),
      ),
    );
    for (const [key, { client }] of this.#lines) {
      if (wanted.has(key)) continue;
      this.#lines.delete(key);
      void client.destroy();
    }
    for (const [key, replica] of wanted) if (!this.#lines.has(key)) this.#lines.set(key, this.#open(replica));
    this.book.take(targets, this.#options.nowMs());
    if (this.#lines.size > 0) this.#timer ??= setInterval(() => this.#look(), lookMs);
    else this.#rest();
  }

  stop(): void {
    this.#rest();
    this.#news.stop();
    for (const { client } of this.#lines.values()) void client.destroy();
    this.#lines.clear();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #open({ service, replica, everyMs }: { service: string; replica: string; everyMs: number }): Line {
    const timeoutMs = Math.min(Math.max(everyMs, checkMsMin), checkMsMax);
    const client = new Client(`http://${replica}`, {
      connectTimeout: timeoutMs,
      keepAliveTimeout: Math.max(2 * everyMs, keptMsMin),
      maxResponseSize: statusBytesMax,
      pipelining: 1,
    });
    client.on('disconnect', (_origin, _targets, fault) => {
      // Its own end for idleness has another code.
      if (!isBroken(fault) || !this.#lines.has(keyOf(service, replica))) return;
      this.book.doubt(service, replica, this.#options.nowMs());
      this.#look();
    });
    return { client, timeoutMs };
  }

  #look(): void {
    const { nowMs } = this.#options;
    for (const check of this.book.due(nowMs())) {
      void this.#ask(check).then((found) => {
        this.book.found(check, found, nowMs());
        this.#tell();
      });
    }
  }

  #tell(): void {
    this.#news.tell(this.book.takeEvents());
    this.#options.onChange();
  }

  async #ask(check: Check): Promise<Found> {
    const line = this.#lines.get(keyOf(check.service, check.replica));
    if (line === undefined) return { kind: 'failed', why: 'it is polled no more', isGone: false };
    const found = await ask(line, check.model);
    // A kept connection may have been closed just now: only one of its own tells.
    return found.kind === 'failed' && found.isGone ? ask(line, check.model) : found;
  }
}

async function ask({ client, timeoutMs }: Line, model = 'none'): Promise<Found> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await client.request({
      method: 'GET',
      path: `/v1/models/${encodeURIComponent(model)}`,
      signal,
    });
    return readModelStatus(statusCode, await body.text());
  } catch (fault) {
    return failedBy(fault, timeoutMs);
  }
}

function failedBy(fault: unknown, timeoutMs: number): Found {
  const code = systemCode(fault);
  const isLate = code?.endsWith('TIMEOUT') || (fault instanceof Error && fault.name === 'TimeoutError');
  if (isLate) return { kind: 'failed', why: `no answer within ${timeoutMs / 1000} s`, isGone: false };
  if (code === 'ECONNREFUSED') return { kind: 'failed', why: 'connection refused', isGone: true };
  if (isBroken(fault)) return { kind: 'failed', why: 'the connection broke', isGone: true };
  return { kind: 'failed', why: messageOf(fault), isGone: false };
}

function isBroken(fault: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(systemCode(fault) ?? '');
}

function keyOf(service: string, replica: string): string {
  return `${service} ${replica}`;
}
