import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

const traffic = { retries: 3, retriesRefused: 1, ejections: 2, coalesced: 40, queueFull: 5, queueTimeouts: 6 };
const audit = {
  state: 'failing',
  reason: 'ENOSPC',
  position: 70,
  unreadable: 2,
  unclosed: 0,
  behindBytes: 9,
  lagMs: 1500,
} as const;

async function lines(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('figures of engine, audit and control are those of the moment', async () => {
  const metrics = createMetrics();
  metrics.setAudit(audit);
  metrics.setBuildInfo({ version: '0.1.0', engine: 'embedded', environment: 'dev' });
  metrics.setControl({
    lastGoodReloadMs: 1_700_000_000_500,
    filesInForce: false,
    reloads: { taken: 4, rejected: 1 },
    certificates: [{ listener: 'public', endMs: 1_800_000_000_000 }],
    spans: { sent: 9, dropped: 1, failed: 0 },
  });
  const endpoint = { service: 'scoring', inFlight: 2 };
  metrics.setEngine(
    {
      keptDecisions: 12,
      questions: 13,
      unrecordedCalls: 0,
      endpoints: [
        { ...endpoint, address: '127.0.0.1:1' },
        { ...endpoint, address: '127.0.0.1:2', isEjected: true },
        { ...endpoint, address: '127.0.0.1:3' },
      ],
      queues: [{ service: 'scoring', model: 'finance-prod', inFlight: 8, waiting: 3 }],
      traffic: [{ service: 'scoring', ...traffic }],
    },
    [{ service: 'scoring', address: '127.0.0.1:3', isUp: false, lacks: 2 }],
  );
  const found = await lines(metrics);
  const state = (port: number, name: string): string =>
    `headgate_endpoint_state{service="scoring",endpoint="127.0.0.1:${port}",state="${name}"} 1`;
  for (const line of [
    'headgate_audit_events_total 70',
    'headgate_audit_unreadable_lines_total 2',
    'headgate_audit_lag_seconds 1.5',
    'headgate_audit_behind_bytes 9',
    'headgate_audit_recording 0',
    'headgate_audit_unrecorded_calls_total 0',
    'headgate_kept_decisions 12',
    'headgate_gate_questions_total 13',
    'headgate_build_info{version="0.1.0",engine="embedded",environment="dev"} 1',
    'headgate_reloads_total{outcome="taken"} 4',
    'headgate_last_good_reload_timestamp_seconds 1700000000.5',
    'headgate_files_in_force 0',
    'headgate_certificate_end_timestamp_seconds{listener="public"} 1800000000',
    'headgate_spans_total{result="dropped"} 1',
    'headgate_endpoint_in_flight{service="scoring",endpoint="127.0.0.1:2"} 2',
    state(1, 'up'),
    state(2, 'ejected'),
    state(3, 'down'),
    'headgate_endpoint_versions_awaited{service="scoring",endpoint="127.0.0.1:3"} 2',
    'headgate_queue_waiting{service="scoring",model="finance-prod"} 3',
    'headgate_queue_in_flight{service="scoring",model="finance-prod"} 8',
    'headgate_retries_total{service="scoring"} 3',
    'headgate_retries_refused_total{service="scoring"} 1',
    'headgate_ejections_total{service="scoring"} 2',
    'headgate_coalesced_total{service="scoring"} 40',
    'headgate_queue_refusals_total{service="scoring",why="full"} 5',
    'headgate_queue_refusals_total{service="scoring",why="timeout"} 6',
  ]) {
    assert.ok(found.includes(line), `${line}\n${found.join('\n')}`);
  }
});

test('what nobody knows has no series: not 0', async () => {
  const metrics = createMetrics();
  assert.deepEqual(
    (await lines(metrics)).filter((line) => !line.startsWith('headgate_process_')),
    [],
  );
  metrics.setEngine({ keptDecisions: 0, endpoints: [] });
  metrics.setEngineMetrics(false);
  assert.deepEqual(
    (await lines(metrics)).filter((line) => !line.startsWith('headgate_process_')),
    ['headgate_kept_decisions 0', 'headgate_engine_metrics_up 0'],
  );
  metrics.setEngine(undefined);
  metrics.setEngineMetrics(undefined);
  assert.deepEqual(
    (await lines(metrics)).filter((line) => !line.startsWith('headgate_process_')),
    [],
  );
});
