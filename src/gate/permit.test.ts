import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issuePermit, Permit, type PermitFields } from './permit.ts';

test('a permit is made by the gate alone, and stays as it was made', () => {
  const fields = { epoch: 'x' } as unknown as PermitFields;
  const permit = issuePermit(fields);
  assert.equal(permit.fields.epoch, 'x');
  assert.throws(() => Object.assign(permit.fields, { epoch: 'y' }), TypeError);
  const forged = Permit as unknown as new (key: symbol, fields: PermitFields) => Permit;
  assert.throws(() => new forged(Symbol('permit'), fields), /made by the gate alone/);
});
