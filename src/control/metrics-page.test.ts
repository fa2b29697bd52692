import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../telemetry/index.ts';
import { type MetricsParts, metricsPage } from './metrics-page.ts';
import { ReloadCounts } from './reload-counts.ts';

const audit = { state: 'ok', position: 7, unreadable: 0, unclosed: 0, behindBytes: 0, lagMs: 3 } as const;
const status: MetricsParts['running']['status'] = async () => ({
  processes: [],
  keptDecisions: 4,
  endpoints: [{ service: 'scoring', address: '127.0.0.1:8501', inFlight: 0 }],
  issuers: [],
});

function pageOf(running: MetricsParts['running']): Promise<string> {
  const certificates = [{ listener: 'public', file: 'tls/cert.pem', ends: '2027-01-01T00:00:00.000Z' }];
  const reloads = new ReloadCounts(1000);
  reloads.note('rejected', 2000);
  const replica = {
    service: 'scoring',
    address: '127.0.0.1:8501',
    state: 'down',
    waitsFor: [],
    unasked: 0,
    without: 0,
  } as const;
  const replicas = [{ ...replica, waits: 3 }];
  return metricsPage({ metrics: createMetrics(), running, audit, reloads, certificates, replicas });
}

test("ours, then the proxy's own", async () => {
  const page = await pageOf({ status, ownMetrics: async () => 'haproxy_x 1\n' });
  assert.match(page, /\nheadgate_kept_decisions 4\n/);
  assert.match(page, /\nheadgate_certificate_end_timestamp_seconds\{listener="public"\} 1798761600\n/);
  assert.match(page, /\nheadgate_files_in_force 0\n/);
  assert.match(page, /\nheadgate_last_good_reload_timestamp_seconds 1\n/);
  assert.match(page, /\nheadgate_engine_metrics_up 1\n/);
  assert.match(page, /\nheadgate_endpoint_state\{service="scoring",endpoint="127.0.0.1:8501",state="down"\} 1\n/);
  assert.match(page, /\nheadgate_endpoint_versions_awaited\{.*\} 3\n/);
  assert.match(page, /\nhaproxy_x 1\n$/);
});

test('ours come where neither the engine nor its exporter answers, and say so', async () => {
  const silent = async (): Promise<never> => Promise.reject(new Error('frozen'));
  const page = await pageOf({ status: silent, ownMetrics: silent });
  assert.match(page, /\nheadgate_audit_events_total 7\n/);
  assert.match(page, /\nheadgate_engine_metrics_up 0\n/);
  assert.doesNotMatch(page, /\nheadgate_kept_decisions \d/);
});

test('an engine without metrics of its own says nothing of them', async () => {
  assert.doesNotMatch(await pageOf({ status }), /\nheadgate_engine_metrics_up \d/);
});
