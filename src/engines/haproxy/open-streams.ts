import { type OpenStream, type OpenStreams, oldestStreamsMax } from '../engine.ts';
import { counterOf, type RunningStream, readStreams, streamsCommand } from './open-calls.ts';
import type { OpenedCall, WatchedProcess } from './stream-watch.ts';

/** What is open, for a status. `calls`: the oldest first. Bytes are asked of each process that has one of the oldest. */
export async function openStreams(
  calls: readonly OpenedCall[],
  processes: readonly WatchedProcess[],
): Promise<OpenStreams> {
  const oldest = calls.slice(0, oldestStreamsMax);
  const running = new Map<string, RunningStream>();
  for (const { worker, isGone, read } of processes) {
    if (isGone || !oldest.some((each) => each.worker === worker)) continue;
    const streams = readStreams(await read(streamsCommand).catch(() => ''));
    for (const stream of streams) running.set(`${worker}-${stream.counter}`, stream);
  }
  return {
    open: calls.length,
    byService: byService(calls),
    oldest: oldest.map((each) => openStream(each, running.get(`${each.worker}-${counterOf(each.requestId)}`))),
  };
}

function byService(calls: readonly OpenedCall[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { held } of calls) {
    const { service } = held.permit.fields.operation;
    counts[service] = (counts[service] ?? 0) + 1;
  }
  return counts;
}

function openStream({ requestId, sinceMs, held }: OpenedCall, running: RunningStream | undefined): OpenStream {
  const { operation, identity } = held.permit.fields;
  return {
    requestId,
    service: operation.service,
    method: operation.resource.length > 0 ? operation.resource.join('/') : operation.name,
    caller: identity?.subject ?? null,
    sinceMs,
    ...(running && { bytesIn: running.bytesIn, bytesOut: running.bytesOut }),
  };
}
