import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../../diagnostics/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { noteStreams } from './stream-notes.ts';

const notes = (upstream: Partial<UpstreamPlan>, version = '2.6.12'): string[] => {
  const methods = { 'a.S/Get': { idempotent: true } } as const;
  const services = [{ name: 'orders', protocol: 'grpc', models: [], methods }] as const;
  const upstreams = [{ service: 'orders', endpoints: [], ...upstream }];
  const report = new Report();
  noteStreams({ access: { services }, upstreams } as unknown as Plan, report, version);
  return report.diagnostics().map(({ code, severity }) => `${severity} ${code}`);
};

test('says how open calls end, what is not tried again, and what may be lost', () => {
  assert.deepEqual(notes({}), ['note HG3031', 'note HG3034', 'note HG3032']);
  assert.deepEqual(notes({}, '3.2.0'), ['note HG3031', 'note HG3032']);
  assert.deepEqual(notes({ retries: { triesMax: 1, budgetPpm: 0 } }, '3.3.1'), ['note HG3031']);
  assert.deepEqual(notes({ streams: { end: 'status' } }), []);
});
