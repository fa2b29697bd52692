import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicrosOf } from './cpu.ts';
import { type LoadResult, load } from './load.ts';
import type { Side } from './sides/side.ts';
import type { TokenFile } from './tokens.ts';

const settleMs = 100;
const settleMsMax = 5000;
/** Less work than this in `settleMs` is a process at rest. */
const restMicros = 3000;
/** A cost counts if the side used this much of its core: a proxy that waits works in smaller batches. */
export const busyShareMin = 0.9;
/** A rate says something only from here on: below, it is the load's or the machine's. */
const rateShareMin = 0.95;
/** A warming run, and how many of them at most. */
const warmSeconds = 1;
const warmRunsMax = 10;
/** Rounds in which some side lacked its core are measured anew, up to this share of the rounds asked for. */
const extraRoundsShare = 0.4;

/** One measurement of one side. */
export interface Cost {
  readonly microsPerRequest: number;
  readonly requestsPerSecond: number;
  /** Share of its core that the side had during the load; over 1 where the kernel let it have more. */
  readonly busy: number;
}

export interface SuiteOptions {
  readonly tokens: TokenFile;
  readonly tokenCount: number;
  /** Seconds of load before the first round, at least. */
  readonly warmRuns: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly log: (line: string) => void;
  /** Another load than predictions over REST with the tokens in turn. */
  readonly send?: (side: Side, seconds: number) => Promise<LoadResult>;
}

/**
 * Measures every side once a round, in turn: forwards in one round, backwards in the next, so that what the machine does
 * besides strikes all alike. Each side is warmed before the first, which doesn't count.
 */
export async function measure(
  sides: readonly Side[],
  options: SuiteOptions,
): Promise<ReadonlyMap<string, readonly Cost[]>> {
  const costs = new Map<string, Cost[]>(sides.map(({ name }) => [name, []]));
  const loaded = sides.map((side) => ({ side, send: sender(side, options) }));
  for (const one of loaded) await warm(one, options);
  const roundsMax = Math.ceil(options.rounds * (1 + extraRoundsShare));
  for (let round = 0, busyRounds = 0; round < roundsMax && busyRounds < options.rounds; round += 1) {
    const order = round % 2 === 0 ? loaded : loaded.toReversed();
    let busy = true;
    for (const one of order) {
      const cost = await costOf(one, options.seconds);
      costs.get(one.side.name)?.push(cost);
      busy &&= cost.busy >= busyShareMin;
    }
    if (busy) busyRounds += 1;
  }
  for (const [name, of] of costs) options.log(`${name}: ${of.map(describeCost).join('; ')}`);
  return costs;
}

interface Loaded {
  readonly side: Side;
  readonly send: (seconds: number) => Promise<LoadResult>;
}

/** Loads one side, each time with the tokens that come after those of the time before. */
function sender(side: Side, { tokens, tokenCount, send }: SuiteOptions): Loaded['send'] {
  let sent = 0;
  return async (seconds) => {
    try {
      if (send !== undefined) return await send(side, seconds);
      const result = await load({ port: side.port, tokens, tokenCount, firstToken: sent % tokenCount, seconds });
      sent += result.requests;
      return result;
    } catch (error) {
      throw new Error(`${side.name}: ${error instanceof Error ? error.message : String(error)}\n${side.said()}`);
    }
  };
}

/** Until every token had its turn twice and the code that serves them is compiled: a second in, V8 still gets faster. */
async function warm({ send }: Loaded, { tokenCount, warmRuns }: SuiteOptions): Promise<void> {
  let requests = 0;
  for (let run = 0; run < warmRunsMax && (run < warmRuns || requests < 2 * tokenCount); run += 1) {
    requests += (await send(warmSeconds)).requests;
  }
}

async function costOf({ side, send }: Loaded, seconds: number): Promise<Cost> {
  await untilAtRest(side);
  const before = cpuMicrosOf(side.process.pid);
  const result = await send(seconds);
  const during = cpuMicrosOf(side.process.pid) - before;
  // What is still to be done for these calls (an audit line not yet chained) is their cost too.
  await untilAtRest(side);
  const whole = cpuMicrosOf(side.process.pid) - before;
  return {
    microsPerRequest: whole / result.requests,
    requestsPerSecond: result.requests / result.seconds,
    busy: during / 1e6 / result.seconds,
  };
}

async function untilAtRest(side: Side): Promise<void> {
  let last = cpuMicrosOf(side.process.pid);
  for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += settleMs) {
    await sleep(settleMs);
    const now = cpuMicrosOf(side.process.pid);
    if (now - last < restMicros) return;
    last = now;
  }
}

function describeCost({ microsPerRequest, requestsPerSecond, busy }: Cost): string {
  const rate = busy < rateShareMin ? '' : `${Math.round(requestsPerSecond)}/s, `;
  return `${microsPerRequest.toFixed(1)} µs (${rate}${Math.round(busy * 100)} % of the core)`;
}
