import type { RulePlan, ServicePlan, UpstreamPlan } from '../../../plan/types.ts';
import { type StageOptions, testRule } from './stage.ts';

export interface StreamStage {
  readonly upstream?: Partial<UpstreamPlan>;
  readonly rule?: Partial<RulePlan>;
  readonly service?: Partial<ServicePlan>;
}

/** A stage whose one service is gRPC's; the `leads` may call everything there. */
export function streamService(ports: readonly number[], { upstream, rule, service }: StreamStage = {}): StageOptions {
  const orders = { service: 'orders', segments: ['**'] };
  return {
    replicas: [],
    routes: [{ service: 'orders', strip: false }],
    access: {
      services: [{ name: 'orders', protocol: 'grpc', models: [], ...service }],
      rules: [testRule({ name: 'leads call', resources: [orders], ...rule })],
    },
    upstream: {
      service: 'orders',
      endpoints: ports.map((port) => ({ grpc: { host: '127.0.0.1', port } })),
      timeouts: { answerMs: 3_600_000 },
      ...upstream,
    },
  };
}
