import type { Diagnostic } from '../diagnostics/index.ts';
import type { AssistedRoute, Engine } from '../engines/engine.ts';
import type { Plan, UpstreamPlan } from '../plan/types.ts';
import { printDuration } from '../std/duration.ts';

/** Which calls the environment's engine has carried by the embedded one: one note a service and set of reasons. */
export function assistedNotes(engine: Engine, plan: Plan): readonly Diagnostic[] {
  const routes = new Map<string, AssistedRoute[]>();
  for (const route of engine.realize(plan).assisted ?? []) {
    const key = JSON.stringify([route.service, [...route.features].sort()]);
    routes.set(key, [...(routes.get(key) ?? []), route]);
  }
  return [...routes.values()].map((alike) => ({
    code: 'HG3030',
    severity: 'note',
    message: `${placesOf(alike)} go the assisted way on the ${engine.name} engine: ${alike[0]?.features.join(', ') ?? ''}`,
  }));
}

/** Models that a note names; more are counted. */
const namesMax = 5;

function placesOf(routes: readonly AssistedRoute[]): string {
  const places = routes.map(
    ({ service, model }) => `\`${model === undefined ? `${service}/**` : `${service}/${model}`}\``,
  );
  const beyond = places.length - namesMax;
  const shown = places.slice(0, namesMax).join(', ');
  return `calls of ${beyond > 0 ? `${shown} and ${beyond} more` : shown}`;
}

/** How long a replica that has died may still be taken for alive, by what polls it; one line a service that is polled. */
export function healthLines({ upstreams }: Plan): readonly string[] {
  return upstreams.flatMap(({ service, health }) => (health === undefined ? [] : [healthLine(service, health)]));
}

function healthLine(service: string, { everyMs, rise, fall }: NonNullable<UpstreamPlan['health']>): string {
  const down = printDuration(everyMs * fall);
  const up = printDuration(everyMs * rise);
  return `${service}: a replica that stops answering polls gets calls for up to ${down}, one that answers again gets them after up to ${up}`;
}
