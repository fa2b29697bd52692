import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Plan } from '../plan/types.ts';
import { grpcMethodsOf } from './grpc-methods.ts';

const golden = join(import.meta.dirname, '../../test/goldens/compile/grpc/plan.json');

test('methods of the policy and of patterns without a star are told apart', () => {
  const plan = JSON.parse(readFileSync(golden, 'utf8')) as Plan;
  const methods = Object.fromEntries([...grpcMethodsOf(plan)].map(([service, names]) => [service, [...names]]));
  assert.deepEqual(methods, { orders: ['acme.orders.v1.Orders/Get'], chat: [] });
});
