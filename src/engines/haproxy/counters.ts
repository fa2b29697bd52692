import type { LimitPlan } from '../../plan/types.ts';
import { backends } from './names.ts';
import { limitTicks, type Speed, speeds } from './record.ts';
import type { RuntimeApi } from './runtime-api.ts';

/** Counters wrap here; see limit-rules.ts. */
const wrap = 2 ** 32;
/** Counters that are given on at most. */
const entriesMax = 50_000;

const fewMax = 4;

/** A counter of HAProxy's: the theoretical arrival time of the next call, in ticks of its table. */
export interface Counter {
  readonly speed: Speed;
  readonly key: number;
  readonly arrival: number;
}

/** Where counters stand. */
export interface CounterTable {
  /** 0: there is none. */
  arrival(speed: Speed, key: number): Promise<number>;
  set(counters: readonly Counter[]): Promise<void>;
}

/** The tables of a process. */
export class ProcessTable implements CounterTable {
  readonly #api: RuntimeApi;

  constructor(api: RuntimeApi) {
    this.#api = api;
  }

  async arrival(speed: Speed, key: number): Promise<number> {
    const [found] = countersIn(await this.#api.ask(`show table ${tableOf(speed)} key ${key}`), speed);
    return found?.arrival ?? 0;
  }

  async set(counters: readonly Counter[]): Promise<void> {
    // Of a table with `gpt(1)`, this sets the one that there is (2.6).
    const orders = counters.map(
      ({ speed, key, arrival }) => `set table ${tableOf(speed)} key ${key} data.gpt ${arrival}`,
    );
    // Few are set sooner over the connection that is there.
    if (orders.length > fewMax) await this.#api.batch(orders);
    else for (const order of orders) await this.#api.ask(order);
  }

  /** Those that are ahead of now, which are those that can refuse anybody. */
  async ahead(now: () => number): Promise<Counter[]> {
    const found: Counter[] = [];
    for (const speed of speeds) {
      const counters = countersIn(await this.#api.ask(`show table ${tableOf(speed)}`), speed);
      const ticks = ticksAt(now(), speed);
      found.push(...counters.filter(({ arrival }) => debtOf(arrival, ticks) > 0).slice(0, entriesMax));
    }
    return found;
  }
}

/** Counters between two processes. */
export class HeldTable implements CounterTable {
  readonly #counters = new Map<string, Counter>();

  constructor(counters: readonly Counter[]) {
    this.#put(counters);
  }

  get counters(): readonly Counter[] {
    return [...this.#counters.values()];
  }

  async arrival({ name }: Speed, key: number): Promise<number> {
    return this.#counters.get(`${name} ${key}`)?.arrival ?? 0;
  }

  async set(counters: readonly Counter[]): Promise<void> {
    this.#put(counters);
  }

  #put(counters: readonly Counter[]): void {
    for (const each of counters) this.#counters.set(`${each.speed.name} ${each.key}`, each);
  }
}

/** Counts a call there, as the rules of limit-rules.ts do; false: a limit is used up, and nothing was counted. `keys`: of the limits' counters. */
export async function countCall(
  limits: readonly LimitPlan[],
  keys: readonly number[],
  { table, nowMs }: { readonly table: CounterTable; readonly nowMs: number },
): Promise<boolean> {
  const charged: Counter[] = [];
  for (const [position, limit] of limits.entries()) {
    const ticks = limitTicks(limit);
    const key = keys[position];
    if (ticks === undefined || key === undefined) continue;
    const { speed, cost, burst } = ticks;
    const now = ticksAt(nowMs, speed);
    // One of long ago isn't there any more. One that is full may be ahead by more than a burst, where this clock is behind.
    const debt = Math.min(debtOf(await table.arrival(speed, key), now), burst);
    if (debt + cost > burst) return false;
    charged.push({ speed, key, arrival: (now + debt + cost) % wrap });
  }
  await table.set(charged);
  return true;
}

const tableOf = ({ name }: Speed): string => backends[name];

/** Its time as HAProxy's rules have it. */
function ticksAt(nowMs: number, { tickUs }: Speed): number {
  return Math.floor((nowMs * 1000) / tickUs) % wrap;
}

/** How far a counter is ahead of now; 0: it isn't. */
function debtOf(arrival: number, now: number): number {
  if (arrival === 0) return 0;
  const ahead = (arrival - now + wrap) % wrap;
  return ahead < wrap / 2 ? ahead : 0;
}

function countersIn(text: string, speed: Speed): Counter[] {
  return [...text.matchAll(/ key=(\d+) .*?gpt0=(\d+)$/gm)].map(([, key, arrival]) => ({
    speed,
    key: Number(key),
    arrival: Number(arrival),
  }));
}
