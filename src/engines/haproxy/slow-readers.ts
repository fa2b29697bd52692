import type { Plan } from '../../plan/types.ts';
import { upstreamTimeoutMs } from '../../std/limits.ts';
import { frontendName, serviceBackends } from './names.ts';
import { endCommand } from './open-calls.ts';
import { clientTimeoutMs, listensForStreams, listensForStreamsAlone, streamServices } from './stream-services.ts';
import type { WatchedProcess } from './stream-watch.ts';

/** Between two looks. */
const lookMs = 15_000;

export interface PlannedProcess extends WatchedProcess {
  readonly plan: Plan;
}

/** A frontend that has streams and other calls, by name: how long its clients may take no more of an answer, by HAProxy. */
export type PatientFrontends = ReadonlyMap<string, number>;

export function patientFrontends(plan: Plan): PatientFrontends {
  const mixed = plan.listeners
    .map((listener, position) => [listener, frontendName(position + 1)] as const)
    .filter(([listener]) => listensForStreams(plan, listener) && !listensForStreamsAlone(plan, listener));
  return new Map(mixed.map(([listener, name]) => [name, clientTimeoutMs(plan, listener)]));
}

/** Backends of streams, whose readers may pause. */
export function streamBackends(plan: Plan): ReadonlySet<string> {
  const { upstreams } = plan;
  return new Set(
    upstreams.flatMap(({ service }, position) =>
      streamServices(plan).has(service) ? serviceBackends(position + 1) : [],
    ),
  );
}

const line = /^(0x[0-9a-f]+): .* fe=(\S+) be=(\S+) .* rp\[[^\]]*,wx=([^,]*),/gm;

/** Pointers of the calls whose client has taken nothing of the answer for as long as other listeners give it, from `show sess`. */
export function stalledIn(text: string, frontends: PatientFrontends, excepted: ReadonlySet<string>): string[] {
  return [...text.matchAll(line)].flatMap(([, pointer = '', frontend = '', backend = '', left = '']) => {
    const clientMs = frontends.get(frontend);
    const leftMs = durationMs(left);
    if (clientMs === undefined || leftMs === undefined || excepted.has(backend)) return [];
    return clientMs - leftMs > upstreamTimeoutMs ? [pointer] : [];
  });
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

/** As HAProxy writes it for people: `59m58s`. Undefined: nothing is waited for. */
function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  return parts.length === 0
    ? undefined
    : parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/**
 * HAProxy 2.6 gives all clients of a listener the same time to read on. Where streams need much of it, the other calls of the listener
 * have no more than elsewhere: where they share a connection with others, because we look at them; else the connection itself is bounded (`tcp-ut`).
 */
export class SlowReaders {
  readonly #processes: () => readonly PlannedProcess[];
  #timer: NodeJS.Timeout | undefined;

  constructor(processes: () => readonly PlannedProcess[]) {
    this.#processes = processes;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async look(): Promise<void> {
    for (const { plan, isGone, read, batch } of this.#processes()) {
      const frontends = patientFrontends(plan);
      if (isGone || frontends.size === 0) continue;
      const text = await read('show sess').catch(() => '');
      await batch(stalledIn(text, frontends, streamBackends(plan)).map(endCommand)).catch(() => []);
    }
  }
}
