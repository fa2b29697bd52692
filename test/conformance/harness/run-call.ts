import assert from 'node:assert/strict';
import type { AuditRecord } from '../../../src/audit/index.ts';
import type { CaseCall, CaseFile, Expectation } from './case.ts';
import { type Answer, field, send, sendRaw } from './client.ts';
import { engines, type Gateway } from './gateway.ts';
import type { TestIssuer } from './issuer.ts';
import { withKeyTexts } from './keys.ts';
import type { RecordingUpstream, Seen } from './upstream.ts';

export interface Stage {
  readonly file: CaseFile;
  readonly gateway: Gateway;
  readonly issuer: TestIssuer;
  readonly upstreams: readonly RecordingUpstream[];
}

/** Makes one call of a case on one engine and holds everything it left behind against the expectation. */
export async function runCall(stage: Stage, given: CaseCall): Promise<void> {
  const call = { ...given, expect: expectationOf(stage.gateway, given) };
  const before = stage.gateway.recordCount();
  let answer: Answer | undefined;
  for (let turn = 0; turn < call.times; turn += 1) answer = await make(stage, call);
  assert.ok(answer !== undefined);
  checkAnswer(answer, call.expect);
  const id = field(answer.headers, 'x-headgate-request-id');
  if (id !== undefined) checkUpstream(seenBy(stage.upstreams, id), call.expect);
  const record = await recordOf(stage, id, before + call.times);
  const expected = { ...call.expect.audit, status: answer.status, ...(call.expect.rule && { rule: call.expect.rule }) };
  const reason = call.expect.code ?? call.expect.audit?.reason;
  for (const [name, value] of Object.entries({ ...expected, ...(reason !== undefined && { reason }) })) {
    assert.deepEqual({ [name]: record.core[name as keyof typeof record.core] }, { [name]: value });
  }
}

/** What this engine is expected to answer: an engine that lacks a feature may have an expectation of its own. */
function expectationOf({ engine }: Gateway, { expect, without }: CaseCall): Expectation {
  return without !== undefined && engines[engine].capabilities[without.feature] === 'refused' ? without.expect : expect;
}

/**
 * The audit record of the answer. An answer to what isn't HTTP may have no id (HAProxy gives it before it reads one): then it is
 * the last of the records that the call has left.
 */
async function recordOf({ gateway }: Stage, id: string | undefined, count: number): Promise<AuditRecord> {
  const [record] = id === undefined ? await gateway.recordsFrom(count) : await gateway.records([id]);
  assert.ok(record !== undefined);
  if (id === undefined)
    assert.equal(record.core.reason, 'request-malformed', 'an answer without x-headgate-request-id');
  return record;
}

function make(stage: Stage, written: CaseCall): Promise<Answer> {
  const call = withKeys(stage.gateway, written);
  const credential = credentialOf(stage, call);
  const port = call.via === 'internal' ? stage.gateway.internalPort : stage.gateway.port;
  if (call.raw !== undefined) return sendRaw(port, call.raw.replace('{credential}', lines(credential)));
  const [method = '', target = ''] = (call.call ?? '').split(' ');
  const given = call.headers.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const body = call.body ?? (method === 'POST' ? '{"instances":[[1]]}' : undefined);
  return send({
    ...{ port, method, target, headers: [...credential, ...given] },
    ...(body !== undefined && { body }),
    ...(call.from !== undefined && { from: call.from }),
  });
}

/** The same call with the texts of keys where it names them. */
function withKeys({ keys }: Gateway, call: CaseCall): CaseCall {
  const filled = (text: string): string => withKeyTexts(text, keys);
  return {
    ...call,
    headers: call.headers.map(filled),
    ...(call.call !== undefined && { call: filled(call.call) }),
    ...(call.raw !== undefined && { raw: filled(call.raw) }),
    ...(call.body !== undefined && { body: filled(call.body) }),
  };
}

function credentialOf({ file, issuer }: Stage, call: CaseCall): string[] {
  if (call.as === undefined) return call.form === 'valid' ? [] : issuer.credential({ subject: 'nobody' }, call.form);
  const caller = file.callers[call.as];
  assert.ok(caller !== undefined, `the file names no caller ${call.as}`);
  const { subject, groups, client } = caller;
  return issuer.credential(
    { ...(subject && { subject }), ...(groups && { groups }), ...(client && { client }) },
    call.form,
  );
}

function lines(fields: readonly string[]): string {
  return fields.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
}

function checkAnswer(answer: Answer, expected: Expectation): void {
  assert.equal(answer.status, expected.status, `status (body: ${answer.body.slice(0, 300)})`);
  for (const [name, value] of Object.entries(expected.headers ?? {}))
    assert.equal(field(answer.headers, name), value, name);
  if (expected.code === undefined) return;
  assert.equal(field(answer.headers, 'content-type'), 'application/problem+json');
  const problem: unknown = JSON.parse(answer.body);
  assert.ok(typeof problem === 'object' && problem !== null && 'code' in problem && 'requestId' in problem);
  assert.equal(problem.code, expected.code);
  assert.equal(problem.requestId, field(answer.headers, 'x-headgate-request-id') ?? '-');
}

export function seenBy(upstreams: readonly RecordingUpstream[], id: string): Seen | undefined {
  return upstreams.map((upstream) => upstream.seen.get(id)).find((seen) => seen !== undefined);
}

function checkUpstream(seen: Seen | undefined, expected: Expectation): void {
  const wanted = expected.upstream ?? {};
  if (wanted.none || expected.code !== undefined) {
    assert.equal(seen, undefined, 'the upstream was asked');
    return;
  }
  assert.ok(seen !== undefined, 'no replica saw the request');
  if (wanted.target !== undefined) assert.equal(seen.target, wanted.target);
  if (wanted.body !== undefined) assert.equal(seen.body, wanted.body);
  for (const [name, value] of Object.entries(wanted.has ?? {})) {
    const values: string[] = seen.headers.filter((_text, index) => index % 2 === 1 && seen.headers[index - 1] === name);
    assert.equal(values.length, 1, `${name} was seen ${values.length} times`);
    if (value !== '*') assert.equal(values[0], value, name);
  }
  const names = seen.headers.filter((_text, index) => index % 2 === 0);
  for (const name of wanted.lacks ?? []) assert.ok(!names.includes(name), `the upstream saw ${name}`);
}
