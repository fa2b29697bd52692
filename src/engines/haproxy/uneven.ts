import type { Plan } from '../../plan/types.ts';
import type { ReplicaState, ReplicasByService } from '../engine.ts';
import { isAskedIfUneven } from './assisted.ts';
import { unevenVariable } from './names.ts';

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

/** What is known of replicas, and what follows for calls. */
export class UnevenWatch {
  #replicas: ReplicasByService = {};
  /** `service/model`: their calls go the assisted way. */
  models: ReadonlySet<string> = new Set();

  /** Services that aren't named stay as they are. True: other models are uneven than before, so that what is kept has to end. */
  take(replicas: ReplicasByService): boolean {
    this.#replicas = { ...this.#replicas, ...replicas };
    const { some } = unevenModels(this.#replicas);
    const isSame = some.size === this.models.size && [...some].every((model) => this.models.has(model));
    this.models = some;
    return !isSame;
  }

  /** Orders to HAProxy: whether misses for a service go the assisted way, for each whose replicas are asked what they have. */
  orders(plan: Plan): string[] {
    const services = new Set([...this.models].map((model) => model.split('/', 1)[0]));
    return plan.upstreams.flatMap(({ service }, position) =>
      isAskedIfUneven(plan, service) ? [`set var ${unevenVariable(position + 1)} bool(${services.has(service)})`] : [],
    );
  }
}
