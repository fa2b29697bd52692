import type { ServicePlan } from '../plan/index.ts';
import type { ServiceNode } from '../policy/index.ts';

/** What is known of the methods of a gRPC service. */
export function compileMethods({
  protocol,
  idempotent = [],
}: ServiceNode): Pick<ServicePlan, 'methods' | 'hasDescriptors'> {
  if (protocol.value !== 'grpc' || idempotent.length === 0) return {};
  return { methods: Object.fromEntries(idempotent.map(({ value }) => [value, { idempotent: true }])) };
}
