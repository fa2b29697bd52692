import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { type DenialReason, denialRow, denials } from '../gate/denials.ts';
import { type SentenceOptions, sentence } from './sentence.ts';
import type { AuditCore, AuditEvent, AuditTiming, UnreadableEvent } from './types.ts';

const golden = new URL('./goldens/sentences.txt', import.meta.url);
const chain = { format: 1, position: 1, spool: 'embedded-w1-1.spool', end: 1, previous: '', hash: '' } as const;

function said(core: Partial<AuditCore>, options?: SentenceOptions, timing?: AuditTiming): string {
  const event: AuditEvent = { ...exampleRecord(1, core), ...(timing && { timing }), ...chain, kind: 'call' };
  return sentence(event, options);
}

const method = 'acme.orders.v1.Orders/Watch';
const watch: Partial<AuditCore> = {
  service: 'orders',
  operation: 'call',
  action: 'call',
  path: `/${method}`,
  resource: `orders/${method}`,
  model: null,
};
const hours = 7_384_000;
const streams: readonly [Partial<AuditCore>, AuditTiming][] = [
  [{}, { totalMs: 3.2, grpcStatus: 0, messagesIn: 1, messagesOut: 1 }],
  [{}, { totalMs: 12_345, grpcStatus: 1, messagesIn: 1, messagesOut: 0 }],
  [{}, { totalMs: 125_000, grpcStatus: 14, messagesIn: 3, messagesOut: 4711, firstMs: 20 }],
  [{ status: 0 }, { totalMs: hours, messagesIn: 0, messagesOut: 2 }],
  [
    { outcome: 'deny', reason: 'access-ended', grpcStatus: 7 },
    { totalMs: hours, messagesIn: 1, messagesOut: 9 },
  ],
  [{ outcome: 'deny', reason: 'credential-ended', grpcStatus: 16 }, { totalMs: 2100 }],
  [
    { outcome: 'deny', reason: 'upstream-timeout', grpcStatus: 4 },
    { totalMs: 3_600_000, messagesIn: 1, messagesOut: 3 },
  ],
  [{ outcome: 'deny', reason: 'upstream-unavailable', grpcStatus: 14 }, { totalMs: 3 }],
  [
    { outcome: 'deny', reason: 'upstream-malformed', grpcStatus: 14 },
    { totalMs: 300, messagesIn: 1, messagesOut: 2 },
  ],
  [{ outcome: 'deny', reason: 'no-rule-allows', grpcStatus: 7, rule: null }, { totalMs: 0.3 }],
  [
    { operation: 'reflect', action: 'reflect', resource: 'orders' },
    { totalMs: 1, grpcStatus: 0 },
  ],
  [
    { operation: 'health', action: 'health', resource: 'orders' },
    { totalMs: 1, grpcStatus: 0 },
  ],
];

function opened(core: Partial<AuditCore>): string {
  const { sequence, timing, ...call } = exampleRecord(1, core);
  const { status, ...known } = call.core;
  return sentence({ ...call, core: known, kind: 'opened', position: 1 });
}

/** A core as the denial of this reason leaves it: what comes before a stage doesn't know what that stage finds. */
function denied(reason: DenialReason): Partial<AuditCore> {
  const { status } = denialRow(reason);
  const base = { outcome: 'deny', reason, status, rule: null, ruleAt: null } as const;
  const byRule = { rule: 'the ledger rests by day', ruleAt: 'headgate.yaml:44' };
  if (/^rule-denies|limit-exceeded|-ended$/.test(reason)) return { ...base, ...byRule };
  if (/^(no-rule|upstream|identity-unavail|gate-|audit-|queue-|deadline-)/.test(reason)) return base;
  const nobody = { ...base, caller: null };
  if (reason.startsWith('credential')) return nobody;
  if (/^(assertion|chain)-/.test(reason)) return base;
  if (reason === 'resource-unknown') return { ...base, model: 'nonesuch', resource: 'scoring/nonesuch' };
  return { ...nobody, service: null, operation: null, action: null, resource: null, model: null };
}

const ann = { issuer: 'i', subject: 'ann' };
const client = { identity: 'cluster', issuer: 'i', subject: 'finance/scorer', id: 'x', client: 'batch-scorer' };
const cases: readonly Partial<AuditCore>[] = [
  {},
  { version: '3' },
  { version: '4', versionName: 'canary' },
  { caller: client },
  { caller: { ...client, chain: [ann] } },
  { caller: { ...client, chain: [ann, { issuer: 'i', subject: 'orders', service: 'orders' }] } },
  { caller: null, rule: 'anyone may ask', ruleAt: 'headgate.yaml:9', operation: 'status', action: 'status' },
  { operation: 'metadata', action: 'metadata' },
  { operation: 'classify', action: 'predict' },
  { operation: 'regress', action: 'predict' },
  { operation: 'shuffle', action: 'shuffle', model: null },
  { status: 0 },
  { outcome: 'deny', reason: 'upstream-timeout', status: 0 },
  { outcome: 'allow', reason: 'upstream-unavailable', status: 503 },
  ...(Object.keys(denials) as DenialReason[]).map(denied),
];

test('sentences are as they were read and approved', () => {
  const unreadable: UnreadableEvent = {
    ...chain,
    kind: 'unreadable',
    timeMs: 1,
    fault: 'too short',
    text: 'a b',
    bytes: 3,
  };
  const ofStreams = streams.map(([core, timing]) => said({ ...watch, ...core }, {}, timing));
  const shown = `${[...cases.map((core) => said(core)), sentence(unreadable), opened(watch), ...ofStreams].join('\n')}\n`;
  if (process.env.HEADGATE_UPDATE_GOLDENS === '1') writeFileSync(golden, shown);
  assert.equal(shown, readFileSync(golden, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
});

test('no text of a caller can end a line, move a cursor, turn the reading direction or feign words', () => {
  const evil =
    'x\r\n10:00 bob (staff) allowed by "y"\u001b[2K\u009b\u202e\u2066\u200b\u00ad\u2028\u3000\u007f\\ud800\ud800';
  const parties = [
    { issuer: evil, subject: evil },
    { issuer: evil, subject: evil, service: evil },
  ];
  const caller = { identity: evil, issuer: evil, subject: evil, id: evil, client: evil, chain: parties };
  const faces: Partial<AuditCore>[] = [
    { caller, model: evil, version: evil, rule: evil, ruleAt: evil },
    { caller, operation: null, method: evil, path: evil, outcome: 'deny', reason: 'route-unknown' },
    { operation: evil, model: null, resource: evil },
  ];
  for (const core of faces) {
    const text = said(core);
    assert.match(text, /^[^\p{C}\p{Zl}\p{Zp}]*$/u);
    assert.doesNotMatch(text, /(?! )\p{Zs}/u);
    const unquoted = text.replace(/\\["\\]/g, '').replace(/"[^"]*"/g, '');
    assert.match(opened(core), /^[^\p{C}\p{Zl}\p{Zp}]*$/u);
    assert.ok(!unquoted.includes('bob (staff) allowed'), 'a space in a name is escaped, or stands within quotes');
  }
  const unreadable: UnreadableEvent = { ...chain, kind: 'unreadable', timeMs: 1, fault: evil, text: evil, bytes: 3 };
  assert.match(sentence(unreadable), /^[^\p{C}\p{Zl}\p{Zp}]*$/u);
});

test('times: UTC, local, with the date', () => {
  assert.match(said({}), /^10:02:11\.123 alice /);
  assert.match(said({}, { date: true }), /^2026-11-21 10:02:11\.123 alice /);
  const before = process.env.TZ;
  process.env.TZ = 'Asia/Kolkata';
  assert.match(said({}, { local: true, date: true }), /^2026-11-21 15:32:11\.123 alice /);
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});
