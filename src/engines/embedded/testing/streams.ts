import { testRule } from '../../../../test/support/test-plan.ts';
import type { RulePlan, UpstreamPlan } from '../../../plan/types.ts';
import type { StageOptions } from './stage.ts';

/** A stage whose one service is gRPC's, and lets anyone call everything. */
export function grpcService(
  ports: readonly number[],
  upstream: Partial<UpstreamPlan> = {},
  rule: Partial<RulePlan> = {},
): StageOptions {
  return {
    replicas: [],
    access: {
      services: [{ name: 'scoring', protocol: 'grpc', models: [] }],
      rules: [testRule({ name: 'anyone', line: 7, resources: [{ service: 'scoring', segments: ['**'] }], ...rule })],
    },
    upstream: {
      endpoints: ports.map((port) => ({ grpc: { host: '127.0.0.1', port } })),
      timeouts: { answerMs: 3_600_000 },
      ...upstream,
    },
  };
}
