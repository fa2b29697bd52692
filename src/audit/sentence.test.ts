import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { type DenialReason, denialRow, denials } from '../gate/denials.ts';
import { type SentenceOptions, sentence } from './sentence.ts';
import type { AuditCore, AuditEvent, UnreadableEvent } from './types.ts';

const golden = new URL('./goldens/sentences.txt', import.meta.url);
const chain = { format: 1, position: 1, spool: 'embedded-w1-1.spool', end: 1, previous: '', hash: '' } as const;

function said(core: Partial<AuditCore>, options?: SentenceOptions): string {
  const event: AuditEvent = { ...exampleRecord(1, core), ...chain, kind: 'call' };
  return sentence(event, options);
}

/** A core as the denial of this reason leaves it: what comes before a stage doesn't know what that stage finds. */
function denied(reason: DenialReason): Partial<AuditCore> {
  const { status } = denialRow(reason);
  const base = { outcome: 'deny', reason, status, rule: null, ruleAt: null } as const;
  const byRule = { rule: 'the ledger rests by day', ruleAt: 'headgate.yaml:44' };
  if (reason === 'rule-denies' || reason === 'limit-exceeded') return { ...base, ...byRule };
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
  const shown = `${[...cases.map((core) => said(core)), sentence(unreadable)].join('\n')}\n`;
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
