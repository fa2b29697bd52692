import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testPlan } from '../../test/support/test-plan.ts';
import type { ServicePlan } from '../plan/types.ts';
import { classify, knownActions, messageWalk, serviceActions } from './index.ts';

const get = '/acme.orders.v1.Orders/Get';
const request = { listener: 'public', method: 'POST', authority: 'h' };

function planOf(service: Partial<ServicePlan> = {}) {
  return testPlan({ services: [{ name: 'scoring', protocol: 'grpc', models: [], ...service }] });
}

function call(target: string, service: Partial<ServicePlan> = {}) {
  return classify(planOf(service), { ...request, target, message: {} });
}

describe('services of protocol grpc', () => {
  test('have their own methods as resources', () => {
    assert.deepEqual(call(get), {
      operation: {
        ...{ service: 'scoring', protocol: 'grpc', name: 'call', action: 'call', grpc: true, safe: false },
        resource: ['acme.orders.v1.Orders', 'Get'],
      },
      upstreamPath: get,
    });
  });

  test('may be sent again, and are known as streams, where the Plan says so', () => {
    const methods = { [get.slice(1)]: { idempotent: true, streaming: 'server' } } as const;
    const found = call(get, { methods });
    assert.ok('operation' in found);
    assert.deepEqual([found.operation.safe, found.operation.streaming], [true, 'server']);
  });

  test('have no other methods than descriptors name', () => {
    const known = { methods: { [get.slice(1)]: {} }, hasDescriptors: true } as const;
    assert.ok('operation' in call(get, known));
    assert.deepEqual(call('/acme.orders.v1.Orders/Drop', known), { reason: 'method-unknown' });
    assert.deepEqual(call('/constructor', known), { reason: 'operation-unknown' });
    assert.deepEqual(call('/acme.Orders/constructor', known), { reason: 'method-unknown' });
  });

  test('have no operation at a path that names no method', () => {
    for (const path of ['/', '/Orders', '/a.b/c/d', '/a..b/c', '/a.b/c-d', '/1a/b', '/a.b/', `/${'a'.repeat(600)}/b`]) {
      const found = call(path);
      assert.ok('reason' in found, path);
    }
  });

  test('have reflection and health as actions on the service itself', () => {
    assert.deepEqual(knownActions('grpc'), ['call', 'reflect', 'health']);
    assert.deepEqual([...new Set(serviceActions('grpc'))], ['reflect', 'health']);
    const found = call('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', {
      methods: {},
      hasDescriptors: true,
    });
    assert.ok('operation' in found);
    assert.deepEqual([found.operation.action, found.operation.resource], ['reflect', []]);
  });

  test('are called with gRPC alone', () => {
    assert.deepEqual(classify(planOf(), { ...request, target: get }), { reason: 'not-grpc' });
  });

  test('have their messages passed on as they come', () => {
    for (const target of [get, '/grpc.health.v1.Health/Watch', '/what.ever/Else'])
      assert.equal(messageWalk(planOf(), { ...request, target }), 'stream');
  });
});
