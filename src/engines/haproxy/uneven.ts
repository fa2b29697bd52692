import type { ReplicaState, ReplicasByService } from '../engine.ts';

/** What replicas differ in. */
export interface Uneven {
  /** `service/model`: some of the replicas that are up have all of it, or lack what others have. */
  readonly some: ReadonlySet<string>;
  /** `service/model/version` (or without version) that no replica which is up has. */
  readonly none: ReadonlySet<string>;
}

/**
 * Models that can't be spread over all replicas which are up: pure. A replica that is down says nothing; where all are down nothing is
 * uneven. A model that no replica has is uneven, too: the side that knows of models says so to its callers.
 */
export function unevenModels(replicas: ReplicasByService): Uneven {
  const some = new Set<string>();
  const none = new Set<string>();
  for (const [service, states] of Object.entries(replicas)) {
    const up = states.filter(({ isUp }) => isUp);
    for (const what of lackedBy(up)) {
      some.add(`${service}/${modelOf(what)}`);
      if (up.every(({ lacks }) => lacks.includes(what))) none.add(`${service}/${what}`);
    }
  }
  return { some, none };
}

function lackedBy(replicas: readonly ReplicaState[]): ReadonlySet<string> {
  return new Set(replicas.flatMap(({ lacks }) => lacks));
}

/** `finance-prod/3` → `finance-prod`; a model's name holds no slash. */
function modelOf(what: string): string {
  return what.split('/', 1)[0] ?? what;
}
