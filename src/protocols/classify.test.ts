import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { testPlan } from '../../test/support/test-plan.ts';
import type { RoutePlan } from '../plan/types.ts';
import { classify } from './classify.ts';
import { knownActions } from './table.ts';

const plan = testPlan({});

function ask(method: string, target: string, more: { authority?: string; routes?: readonly RoutePlan[] } = {}) {
  const { authority = 'localhost:8080', routes } = more;
  const listeners = routes && [{ name: 'public', address: { host: '127.0.0.1', port: 0 }, routes }];
  const asked = listeners === undefined ? plan : { ...plan, listeners };
  return classify(asked, { listener: 'public', method, target, authority });
}

function name(method: string, target: string): string {
  const found = ask(method, target);
  if ('reason' in found) return found.reason;
  const { name, model, version } = found.operation;
  return [name, model, version].join(' ').trim();
}

describe("TensorFlow Serving's operations", () => {
  const table: readonly [method: string, target: string, expected: string][] = [
    ['POST', '/v1/models/m:predict', 'predict m'],
    ['POST', '/v1/models/m:classify', 'classify m'],
    ['POST', '/v1/models/m:regress', 'regress m'],
    ['GET', '/v1/models/m', 'status m'],
    ['GET', '/v1/models/m/metadata', 'metadata m'],
    ['POST', '/v1/models/m/versions/3:predict', 'predict m 3'],
    ['GET', '/v1/models/m/versions/0', 'status m 0'],
    ['GET', '/v1/models/m/versions/3/metadata', 'metadata m 3'],
    ['GET', '/v1/models/versions', 'status versions'],
    ['GET', '/v1/models/metadata/metadata', 'metadata metadata'],
    ['GET', "/v1/models/a-b_c.d~e!$&'()*+,=@", "status a-b_c.d~e!$&'()*+,=@"],
    ['POST', '/v1/models/m/versions/9223372036854775807:predict', 'predict m 9223372036854775807'],
    ['POST', '/v1/models/m:predict?a//b=..;', 'predict m'],
    ['POST', '/v1/models/m/versions/9223372036854775808:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/versions/03:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/versions/+3:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/versions/-3:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/versions/3.0:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/versions/:predict', 'operation-unknown'],
    ['POST', '/v1/models/m/labels/stable:predict', 'operation-unknown'],
    ['POST', '/v1/models/m:PREDICT', 'operation-unknown'],
    ['POST', '/V1/models/m:predict', 'operation-unknown'],
    ['POST', '/v1/models/m:train', 'operation-unknown'],
    ['POST', '/v1/models/m:', 'operation-unknown'],
    ['POST', '/v1/models/:predict', 'operation-unknown'],
    ['POST', '/v1/models/m:a:predict', 'operation-unknown'],
    ['POST', '/v1/models/m:predict/versions/3', 'operation-unknown'],
    ['POST', '/v1/models/m:predict/', 'operation-unknown'],
    ['GET', '/v1/models/m/metadata:predict', 'operation-unknown'],
    ['GET', '/v1/models/%C3%A9', 'operation-unknown'],
    ['GET', '/v1/models', 'operation-unknown'],
    ['GET', '/v1/models/', 'operation-unknown'],
    ['GET', '/v1/models/m/', 'operation-unknown'],
    ['GET', '/v1/models/m/versions', 'operation-unknown'],
    ['GET', '/', 'operation-unknown'],
    ['HEAD', '/v1/models/m', 'method-not-allowed'],
    ['OPTIONS', '/v1/models/m', 'method-not-allowed'],
    ['post', '/v1/models/m:predict', 'method-not-allowed'],
    ['GET', '/v1/models/m:predict', 'method-not-allowed'],
    ['POST', '/v1/models/m//:predict', 'path-not-canonical'],
    ['GET', '*', 'path-not-canonical'],
  ];
  for (const [method, target, expected] of table) {
    test(`${method} ${target}`, () => assert.equal(name(method, target), expected));
  }

  test('the methods of a known path', () => {
    assert.deepEqual(ask('PUT', '/v1/models/m'), { reason: 'method-not-allowed', allow: ['GET'] });
    assert.deepEqual(ask('GET', '/v1/models/m:predict'), { reason: 'method-not-allowed', allow: ['POST'] });
  });

  test('an operation, whole', () => {
    assert.deepEqual(ask('POST', '/v1/models/m/versions/3:predict?x'), {
      operation: {
        service: 'scoring',
        protocol: 'tensorflow-serving',
        name: 'predict',
        action: 'predict',
        resource: ['m'],
        model: 'm',
        version: '3',
        safe: true,
      },
      upstreamPath: '/v1/models/m/versions/3:predict',
    });
  });

  test('its actions', () => {
    assert.deepEqual(knownActions('tensorflow-serving'), [
      'predict',
      'classify',
      'regress',
      'status',
      'metadata',
      'multi-inference',
      'reload-config',
    ]);
  });
});

describe('routes', () => {
  const routes: readonly RoutePlan[] = [
    { host: 'scoring.example', service: 'scoring', strip: false },
    { pathPrefix: '/kept', service: 'scoring', strip: false },
    { pathPrefix: '/cut/off', service: 'scoring', strip: true },
  ];
  const at = (target: string, authority = 'other') => {
    const found = ask('GET', target, { authority, routes });
    return 'reason' in found ? found.reason : found.upstreamPath;
  };
  test('by host, in any case, whatever the port', () => {
    assert.equal(at('/v1/models/m', 'Scoring.Example:99'), '/v1/models/m');
    assert.equal(at('/v1/models/m', 'scoring.example.org'), 'route-unknown');
    assert.equal(at('/v1/models/m', 'a@b'), 'request-malformed');
  });
  test('by a prefix of whole segments', () => {
    assert.equal(at('/cut/off/v1/models/m'), '/v1/models/m');
    assert.equal(at('/cut/offv1/models/m'), 'route-unknown');
    assert.equal(at('/Cut/off/v1/models/m'), 'route-unknown');
    assert.equal(at('/cut/off'), 'operation-unknown');
    assert.equal(at('/kept/v1/models/m'), 'operation-unknown');
  });
  test('a prefix of nothing is every path', () => {
    for (const pathPrefix of ['', '/']) {
      const found = ask('GET', '/v1/models/m', { routes: [{ pathPrefix, service: 'scoring', strip: true }] });
      assert.equal('upstreamPath' in found && found.upstreamPath, '/v1/models/m');
    }
  });
  test('none for a listener or a service that is not there', () => {
    assert.deepEqual(classify(plan, { listener: 'x', method: 'GET', target: '/', authority: 'a' }), {
      reason: 'route-unknown',
    });
    const nowhere = ask('GET', '/', { routes: [{ service: 'gone', strip: false }] });
    assert.deepEqual(nowhere, { reason: 'route-unknown' });
  });
});

test('whatever is sent, what comes back names a row, and its path says the same again', () => {
  const piece = fc.constantFrom(
    '/v1',
    '/models',
    '/m',
    '/versions',
    '/3',
    '/metadata',
    ':predict',
    ':classify',
    '/',
    '?',
    '%41',
  );
  const target = fc.oneof(
    fc.array(piece, { maxLength: 7 }).map((parts) => parts.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'PUT'), target, (method, text) => {
      const found = ask(method, text);
      if ('reason' in found) return;
      const { model, version, action } = found.operation;
      const base = `/v1/models/${model}${version === undefined ? '' : `/versions/${version}`}`;
      const end = { status: '', metadata: '/metadata' }[action] ?? `:${action}`;
      assert.equal(found.upstreamPath, base + end);
    }),
    { seed: 3, numRuns: 5000 },
  );
});
