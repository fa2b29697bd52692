import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Permit } from '../../gate/index.ts';
import type { LimitPlan } from '../../plan/types.ts';
import { assertionOffset, permitRecord, recordFields, slotFields, speedOf } from './record.ts';

const limit = (changes: Partial<LimitPlan> = {}): LimitPlan => ({
  count: 200,
  periodMs: 1000,
  burst: 400,
  per: 'caller',
  ...changes,
});

/** Only what a record reads; a real Permit is the gate's to make. */
function permitOf(subject: string | undefined, limits: readonly LimitPlan[], assertion = 'eyJ.eyJ.sig'): Permit {
  const identity = subject === undefined ? undefined : { subject, issuer: 'https://id.example' };
  return { kind: 'permit', fields: { identity, assertion: identity && assertion, limits } } as unknown as Permit;
}

const path = '/v1/models/m/versions/4:predict';
const recordOf = (permit: Permit): string => permitRecord({ permit, service: 3, path, counters: [11, 12] });
const field = (record: string, index: number): string | undefined => record.split(' ').at(index - 1);

test('fields stand where the configuration looks for them', () => {
  const record = recordOf(permitOf('ann', [limit(), limit({ count: 1, periodMs: 86_400_000, burst: 2 })]));
  assert.equal(field(record, recordFields.kind), 'S');
  assert.equal(field(record, recordFields.subject), 'ann');
  assert.equal(field(record, recordFields.issuer), 'https://id.example');
  assert.equal(field(record, recordFields.service), '3');
  assert.equal(field(record, recordFields.path), '/v1/models/m/versions/4:predict');
  assert.equal(field(record, recordFields.retryAfter), '86400');
  const [first, second] = [slotFields(1), slotFields(2)];
  assert.deepEqual(
    [first.fast, first.slow, first.cost, first.burst].map((index) => field(record, index)),
    ['11', '0', '2500', '1000000'],
  );
  assert.deepEqual(
    [second.fast, second.slow].map((index) => field(record, index)),
    ['0', '12'],
  );
  assert.equal(record.slice(assertionOffset), 'eyJ.eyJ.sig');
});

test('whoever is not known has no fields of an identity', () => {
  const record = recordOf(permitOf(undefined, []));
  assert.ok(record.startsWith('N - - 3 /v1/models/m/versions/4:predict 1 0 0 0 0 '));
  assert.ok(!record.endsWith(' '));
});

test('any subject keeps its field and leaves the assertion whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }), (subject) => {
      fc.pre(subject.isWellFormed());
      const record = recordOf(permitOf(subject, [limit()]));
      assert.match(record, /^[\x20-\x7e]+$/);
      assert.equal(decodeURIComponent(field(record, recordFields.subject) ?? ''), subject);
      const assertion = record.startsWith('S') ? record.slice(assertionOffset) : record.split(' ').at(-1);
      assert.equal(assertion, 'eyJ.eyJ.sig');
    }),
    { seed: 20261121 },
  );
});

test('a limit goes to the table whose counters do not wrap within its burst', () => {
  assert.equal(speedOf(limit())?.name, 'fast');
  assert.equal(speedOf(limit({ count: 100, periodMs: 86_400_000, burst: 100 }))?.name, 'slow');
  assert.equal(speedOf(limit({ count: 1, periodMs: 86_400_000, burst: 100 })), undefined);
});
