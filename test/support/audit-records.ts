import type { AuditCore, AuditRecord } from '../../src/audit/types.ts';

/** A core as a call of a known caller leaves it. */
export const exampleCore: AuditCore = {
  environment: 'dev',
  listener: 'public',
  method: 'POST',
  path: '/v1/models/finance-prod:predict',
  service: 'scoring',
  operation: 'predict',
  action: 'predict',
  resource: 'scoring/finance-prod',
  model: 'finance-prod',
  version: null,
  caller: { identity: 'staff', issuer: 'http://127.0.0.1:9000', subject: 'alice', id: 'A'.repeat(22), client: null },
  outcome: 'allow',
  reason: 'rule-allows',
  rule: 'finance scores with its own models',
  ruleAt: 'headgate.yaml:31',
  epoch: '0123456789abcdef',
  grpcStatus: null,
  status: 200,
  traceId: null,
};

/** A record of it; 2026-11-21 10:02:11.123 UTC. */
export function exampleRecord(sequence: number, core: Partial<AuditCore> = {}, worker = 'w1'): AuditRecord {
  return {
    requestId: `${worker}-${sequence}`,
    timeMs: Date.UTC(2026, 10, 21, 10, 2, 11, 123),
    worker,
    sequence,
    engine: 'embedded',
    address: '127.0.0.1',
    core: { ...exampleCore, ...core },
    timing: { totalMs: 4.123, connectMs: 0, upstreamMs: 3.214, bytesIn: 100, bytesOut: 20, endpoint: '127.0.0.1:8501' },
  };
}
