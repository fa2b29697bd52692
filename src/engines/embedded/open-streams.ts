import { type OpenStreams, oldestStreamsMax } from '../engine.ts';
import type { OpenCount } from './open-calls.ts';

/** What is open, over all workers. */
export function openStreams(counts: readonly OpenCount[]): OpenStreams {
  const byService: Record<string, number> = {};
  for (const count of counts)
    for (const [service, open] of Object.entries(count.byService))
      byService[service] = (byService[service] ?? 0) + open;
  const oldest = counts.flatMap((count) => count.oldest).sort((one, other) => one.sinceMs - other.sinceMs);
  const open = Object.values(byService).reduce((sum, each) => sum + each, 0);
  return { open, byService, oldest: oldest.slice(0, oldestStreamsMax) };
}
