import type { ServicePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';

/** Whether what an operation is made on is named in the policy. Models are a closed world; a service is known by itself. */
export function createWorld(services: readonly ServicePlan[]): (operation: Operation) => boolean {
  const models = new Map(services.map(({ name, models: named }) => [name, new Set(named)]));
  // Of their methods, what is no operation isn't asked about.
  const open = new Set(services.filter(({ protocol }) => protocol === 'grpc').map(({ name }) => name));
  return ({ service, model, resource }) => {
    if (resource.length === 0 || model === undefined)
      return resource.length === 0 ? models.has(service) : open.has(service);
    return models.get(service)?.has(model) === true;
  };
}
