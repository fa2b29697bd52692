import type { Plan } from '../plan/types.ts';
import type { GrpcMethods } from '../telemetry/index.ts';

/**
 * Methods that metrics tell apart, of each service of protocol `grpc`: those that descriptors or the policy name, and those of rules
 * without a star. So no caller can make a series.
 */
export function grpcMethodsOf({ access }: Plan): GrpcMethods {
  const services = access.services.filter(({ protocol }) => protocol === 'grpc');
  return new Map(
    services.map(({ name, methods = {} }) => {
      const patterns = access.rules.flatMap(({ resources }) => resources.filter(({ service }) => service === name));
      const named = patterns
        .map(({ segments }) => segments.join('/'))
        .filter((method) => /^[^*/]+\/[^*/]+$/.test(method));
      return [name, new Set([...Object.keys(methods), ...named])] as const;
    }),
  );
}
