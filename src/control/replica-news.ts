import type { HealthEvent } from '../traffic/index.ts';

/** What a replica waits for, or has by now, is said together: so often, so many by name. */
const togetherMs = 1000;
const namedMax = 5;

/** Sentences of what becomes of replicas. A thousand models that load are a few lines, not a thousand. */
export class ReplicaNews {
  readonly #log: (line: string) => void;
  readonly #held = new Map<string, { readonly what: string[]; readonly timer: NodeJS.Timeout }>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  tell(events: readonly HealthEvent[]): void {
    for (const { kind, service, replica, what = '' } of events) {
      const at = `${service}: replica ${replica}`;
      switch (kind) {
        case 'up':
          this.#log(`${at} is up`);
          break;
        case 'down':
          this.#log(`${at} is down${what === '' ? '' : `: ${what}`}`);
          break;
        case 'waiting':
          this.#hold(`${at} waits for`, what);
          break;
        case 'ready':
          this.#hold(`${at} has`, what);
          break;
        default:
          kind satisfies never;
      }
    }
  }

  /** Says what is held. */
  stop(): void {
    for (const start of [...this.#held.keys()]) this.#say(start);
  }

  /** The first at once, what follows soon together. */
  #hold(start: string, what: string): void {
    const held = this.#held.get(start);
    if (held !== undefined) {
      held.what.push(what);
      return;
    }
    this.#log(`${start} ${what}`);
    const timer = setTimeout(() => this.#say(start), togetherMs).unref();
    this.#held.set(start, { what: [], timer });
  }

  #say(start: string): void {
    const held = this.#held.get(start);
    if (held === undefined) return;
    this.#held.delete(start);
    clearTimeout(held.timer);
    if (held.what.length === 0) return;
    const more = held.what.length - namedMax;
    this.#log(`${start} ${held.what.slice(0, namedMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
  }
}
