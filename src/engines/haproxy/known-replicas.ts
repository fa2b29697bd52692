import type { Plan } from '../../plan/types.ts';
import { canonicalJson } from '../../std/canonical-json.ts';
import type { ReplicaState, ReplicasByService } from '../engine.ts';
import { plannedReplicas } from './slots.ts';

/** The replicas that were told of last: what a new process starts with. */
export class KnownReplicas {
  #told: Record<string, readonly ReplicaState[]> = {};

  /** Of the services of this Plan; those that nobody has told of are left out. */
  of({ upstreams }: Plan): ReplicasByService {
    const services = new Set(upstreams.map(({ service }) => service));
    return Object.fromEntries(Object.entries(this.#told).filter(([service]) => services.has(service)));
  }

  learn(replicas: ReplicasByService): void {
    this.#told = { ...this.#told, ...replicas };
  }

  /**
   * A new Plan is taken up. Services whose endpoints it changes have those, and what is known of each stays; what names stand for is
   * known to control alone, so these wait to be told of. What has to be told to processes.
   */
  takeUp(before: Plan, next: Plan): ReplicasByService {
    const changed = next.upstreams.filter((upstream) => {
      const old = before.upstreams.find(({ service }) => service === upstream.service);
      const isSame = old !== undefined && canonicalJson(old.endpoints) === canonicalJson(upstream.endpoints);
      return !isSame && !upstream.endpoints.some(({ dns }) => dns === true);
    });
    const replicas = Object.fromEntries(
      changed.map((upstream) => {
        const told = new Map((this.#told[upstream.service] ?? []).map((each) => [keyOf(each), each]));
        return [upstream.service, plannedReplicas(upstream).map((each) => told.get(keyOf(each)) ?? each)];
      }),
    );
    this.learn(replicas);
    return replicas;
  }
}

function keyOf({ rest, grpc }: ReplicaState): string {
  return canonicalJson([rest ?? null, grpc ?? null]);
}
