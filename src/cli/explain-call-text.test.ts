import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleRecord } from '../../test/support/audit-records.ts';
import { callText } from './explain-call-text.ts';

test('a call that is made for another: for whom, and by way of whom', () => {
  const chain = [
    { issuer: 'https://i', subject: 'ann' },
    { issuer: 'https://i', subject: 'orders-app', service: 'orders' },
  ];
  const caller = { identity: 'staff', issuer: 'https://i', subject: 'ledger', id: 'x', client: 'ledger', chain };
  const event = { kind: 'call', position: 1, ...exampleRecord(1, { caller }) } as const;
  const words = 'for ann from https://i by way of orders-app (service orders)';
  assert.ok(callText({ event, plan: undefined, recalled: undefined }).includes(words));
});
