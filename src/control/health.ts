import { type Check, type Found, HealthBook, type HealthTarget } from '../traffic/index.ts';
import { GrpcHealthLine } from './grpc-health.ts';
import { failed, type HealthLine } from './health-line.ts';
import { ReplicaNews } from './replica-news.ts';
import { RestHealthLine } from './rest-health.ts';

/** How often it is looked what is due. */
const lookMs = 50;
/** How long a check may take: `every`, within these. */
const checkMsMin = 1000;
const checkMsMax = 5000;

export interface PollerOptions {
  /** Milliseconds; only differences count. */
  readonly nowMs: () => number;
  /** Something in the book has changed. */
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

/** One replica, and how it is asked. */
interface Polled {
  readonly service: string;
  readonly replica: string;
  readonly everyMs: number;
  /** Name in the question of `grpc.health.v1`; undefined: it is asked over REST. */
  readonly grpcName: string | undefined;
}

interface Line extends Polled {
  readonly way: HealthLine;
}

/** Polls each replica, over REST or gRPC, once for the whole gateway: `HealthBook` says what and when. */
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
    const wanted = new Map(targets.flatMap(polledOf).map((polled) => [keyOf(polled), polled]));
    for (const [key, line] of this.#lines) {
      const next = wanted.get(key);
      if (next !== undefined && next.grpcName === line.grpcName) continue;
      this.#lines.delete(key);
      line.way.close();
    }
    for (const [key, polled] of wanted) {
      if (!this.#lines.has(key)) this.#lines.set(key, { ...polled, way: this.#open(polled) });
    }
    this.book.take(targets, this.#options.nowMs());
    if (this.#lines.size > 0) this.#timer ??= setInterval(() => this.#look(), lookMs);
    else this.#rest();
  }

  stop(): void {
    this.#rest();
    this.#news.stop();
    for (const { way } of this.#lines.values()) way.close();
    this.#lines.clear();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #open({ service, replica, everyMs, grpcName }: Polled): HealthLine {
    const timeoutMs = Math.min(Math.max(everyMs, checkMsMin), checkMsMax);
    const onBroken = (): void => {
      if (!this.#lines.has(keyOf({ service, replica }))) return;
      this.book.doubt(service, replica, this.#options.nowMs());
      this.#look();
    };
    const options = { address: replica, everyMs, timeoutMs, onBroken };
    return grpcName === undefined ? new RestHealthLine(options) : new GrpcHealthLine({ ...options, service: grpcName });
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
    const way = this.#lines.get(keyOf(check))?.way;
    if (way === undefined) return failed('it is polled no more');
    const found = await way.ask(check.model);
    // A kept connection may have been closed just now: only one of its own tells.
    return found.kind === 'failed' && found.isGone ? way.ask(check.model) : found;
  }
}

function polledOf({ service, replicas, health, isGrpc }: HealthTarget): Polled[] {
  const grpcName = isGrpc ? (health.service ?? '') : undefined;
  return replicas.map((replica) => ({ service, replica, everyMs: health.everyMs, grpcName }));
}

function keyOf({ service, replica }: Pick<Polled, 'service' | 'replica'>): string {
  return `${service} ${replica}`;
}
