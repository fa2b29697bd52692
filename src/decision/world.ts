import type { ServicePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';

/** Whether what an operation is made on is named in the policy. Models are a closed world; a service is known by itself. */
export function createWorld(services: readonly ServicePlan[]): (operation: Operation) => boolean {
  const models = new Map(services.map(({ name, models: named }) => [name, new Set(named)]));
  return ({ service, model, resource }) =>
    resource.length === 0 ? models.has(service) : model !== undefined && models.get(service)?.has(model) === true;
}
