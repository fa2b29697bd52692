import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { AuditCore, AuditEvent } from '../audit/types.ts';
import type { Plan } from '../plan/types.ts';
import { callText } from './explain-call-text.ts';
import { type Added, recall } from './recall.ts';

const reads = { headers: ['x-region'], address: false, time: false };
const plan = testPlan({
  groups: [
    { name: 'leads', anyOf: [{ allOf: [{ identity: 'staff', group: ['leads'] }] }] },
    { name: 'apps', anyOf: [{ allOf: [{ identity: 'staff', client: ['scorer'] }] }] },
  ],
  rules: [
    testRule({ name: 'apps score', line: 10, callers: { kind: 'groups', names: ['apps'] } }),
    testRule({ index: 1, name: 'leads score', line: 11, callers: { kind: 'groups', names: ['leads'] } }),
    testRule({
      index: 2,
      name: 'leads classify from Europe',
      line: 12,
      callers: { kind: 'groups', names: ['leads'] },
      actions: { kind: 'actions', names: ['classify'] },
      when: { cel: 'request.headers["x-region"] == "eu"', reads },
    }),
  ],
  reads: { scoring: reads },
});

function event(core: Partial<AuditCore>): AuditEvent {
  const call = { model: 'm', resource: 'scoring/m', path: '/v1/models/m:predict', rule: null, ruleAt: null };
  const denial = { outcome: 'deny', reason: 'no-rule-allows', status: 403 } as const;
  const chained = { kind: 'call', format: 1, position: 1, spool: 's', end: 1, previous: '', hash: '' } as const;
  return { ...exampleRecord(1, { ...call, ...denial, ...core }), ...chained };
}

function shown(of: Plan, core: Partial<AuditCore>, added: Partial<Added> = {}): string {
  const happened = event(core);
  const recalled = recall(of, happened, { groups: undefined, headers: [], ...added });
  return callText({ event: happened, plan: of, recalled });
}

test('under the same policy, what no rule allowed proves that the caller was in none of the groups', () => {
  assert.equal(
    shown(plan, {}),
    [
      'refused: 403 no-rule-allows',
      '  when    2026-11-21 10:02:11.123 UTC, request w1-1, on the embedded engine',
      '  who     alice (staff), from http://127.0.0.1:9000, at 127.0.0.1',
      '  what    predict on scoring/m: POST /v1/models/m:predict, listener public',
      '  rule    none decided',
      '  fact    no rule allows it; nearest is “apps score”, which lacks: caller is not in apps',
      '  told    Not allowed. No rule of the access policy allows this caller to make this call.',
      '  ask     the policy names no owner: whoever reviews its file',
      '',
      '  by the same policy as then (epoch 0123456789abcdef)',
      "  conditions read x-region, which the audit doesn't keep: --header says them",
      '  rules, in the order of the file',
      '    allow apps score                  headgate.yaml:10  caller is not in apps',
      '    allow leads score                 headgate.yaml:11  caller is not in leads',
      '    allow leads classify from Europe  headgate.yaml:12  action predict is not classify; condition failed: No such key: x-region in request.headers["x-region"] == "eu"',
      '',
    ].join('\n'),
  );
});

test('under another policy, what hangs on groups is marked, until they are given', () => {
  const other = { ...plan, epoch: 'fedcba9876543210' };
  const unknown = shown(other, {});
  assert.match(
    unknown,
    /epoch 0123456789abcdef then, fedcba9876543210 now; it would be refused, no rule allows it, unless groups of their token change that/,
  );
  assert.match(unknown, /leads score {17}headgate\.yaml:11 {2}\? caller is not in leads\n/);
  const given = shown(other, {}, { groups: ['leads'], headers: ['X-Region', 'eu'] });
  assert.match(given, /it would be allowed, by “leads score”/);
  assert.doesNotMatch(given, /doesn't keep/);
});

test('no rule is asked where the credential was refused or the call meant nothing', () => {
  for (const core of [
    { reason: 'credential-expired', caller: null, status: 401 },
    { reason: 'operation-unknown', operation: null, action: null, resource: null },
  ] as const) {
    assert.equal(recall(plan, event(core), { groups: undefined, headers: [] }), undefined);
    assert.match(shown(plan, core), /no rule was asked/);
  }
});

test('what a caller chose cannot move the cursor', () => {
  assert.ok(!shown(plan, { path: '/v1/\u001b[2J' }).includes('\u001b'));
});

test('what a queue held then is not kept: it is said, until it is given', () => {
  const read = { ...reads, headers: [], queue: true } as const;
  const [first] = plan.access.rules;
  const rule = { ...first, callers: { kind: 'anyone' }, when: { cel: 'queue.waiting < 10', reads: read } } as never;
  const queued = { ...plan, access: { ...plan.access, rules: [rule], reads: { scoring: read } } };
  const unknown = shown(queued, {});
  assert.match(
    unknown,
    /conditions read a queue, and the audit doesn't keep what it held: --queue waiting=3,inFlight=8 says it/,
  );
  assert.match(unknown, /condition failed: what the queue holds is not known here/);
  const given = shown(queued, {}, { queue: { waiting: 12, inFlight: 0 } });
  assert.doesNotMatch(given, /doesn't keep what it held/);
  assert.match(given, /condition is false: queue\.waiting < 10/);
});
