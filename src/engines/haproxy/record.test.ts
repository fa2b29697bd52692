import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Permit } from '../../gate/index.ts';
import type { LimitPlan } from '../../plan/types.ts';
import { assertionOffset, permitRecord, recordOffsets, slotOffsets, speedOf } from './record.ts';

const limit = (changes: Partial<LimitPlan> = {}): LimitPlan => ({
  count: 200,
  periodMs: 1000,
  burst: 400,
  per: 'caller',
  ...changes,
});

/** Only what a record reads; a real Permit is the gate's to make. */
function permitOf(subject: string | undefined, limits: readonly LimitPlan[], more: object = {}): Permit {
  const identity = subject === undefined ? undefined : { subject, issuer: 'https://id.example' };
  const assertion = identity && 'eyJ.eyJ.sig';
  return {
    kind: 'permit',
    fields: { identity, assertion, limits, operation: { safe: true }, ...more },
  } as unknown as Permit;
}

const path = '/v1/models/m/versions/4:predict';
const recordOf = (permit: Permit): string =>
  permitRecord({ permit, endSeconds: 1_763_731_200, core: 77, service: 3, path, counters: [11, 12] });
/** As HAProxy reads it: from an offset to the next space. */
const field = (record: string, offset: number, further = 0): string | undefined =>
  record.slice(offset).split(' ')[further];

test('fields stand where the configuration looks for them', () => {
  const record = recordOf(permitOf('ann', [limit(), limit({ count: 1, periodMs: 86_400_000, burst: 2 })]));
  assert.equal(Number.parseInt(record, 10), 1_763_731_200);
  assert.equal(field(record, recordOffsets.end), '1763731200');
  assert.equal(field(record, recordOffsets.core), '77');
  assert.equal(field(record, recordOffsets.subject), 'ann');
  assert.equal(field(record, recordOffsets.subject, 1), 'https://id.example');
  assert.equal(field(record, recordOffsets.subject, 2), path);
  assert.equal(field(record, recordOffsets.subject, 3), '"caller";q=200;w=1,"caller-2";q=1;w=86400');
  assert.equal(field(record, recordOffsets.service), '3');
  assert.equal(field(record, recordOffsets.retryAfter), '86400');
  const [first, second] = [slotOffsets(1), slotOffsets(2)];
  assert.deepEqual(
    [first.fast, first.slow, first.cost, first.burst].map((offset) => field(record, offset)),
    ['11', '0', '2500', '1000000'],
  );
  assert.deepEqual(
    [second.fast, second.slow].map((offset) => field(record, offset)),
    ['0', '12'],
  );
  assert.equal(record.slice(assertionOffset), 'eyJ.eyJ.sig');
});

test('whoever is not known has no fields of an identity, and no ordinary record', () => {
  const record = recordOf(permitOf(undefined, []));
  assert.ok(record.startsWith('N1763731200 77 '));
  assert.equal(record.slice(recordOffsets.subject), `- - ${path} . .`);
});

test('a version stands there where a message has to be told', () => {
  const told = (operation: object): string | undefined =>
    field(recordOf(permitOf('ann', [], { operation, version: '9223372036854775807' })), recordOffsets.version);
  assert.deepEqual([told({ grpc: true }), told({})], ['9223372036854775807', '.']);
});

test('any subject keeps its field and leaves the assertion whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }), (subject) => {
      fc.pre(subject.isWellFormed());
      const record = recordOf(permitOf(subject, [limit()]));
      assert.match(record, /^[\x20-\x7e]+$/);
      assert.equal(decodeURIComponent(field(record, recordOffsets.subject) ?? ''), subject);
      const assertion = record.startsWith('0') ? record.slice(assertionOffset) : record.split(' ').at(-1);
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
