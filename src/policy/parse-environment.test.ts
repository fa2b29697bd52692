import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseEnvironment } from './index.ts';
import type { Environment } from './types.ts';

const goldens = join(import.meta.dirname, '../../test/goldens/policy');

function read(text: string): Environment {
  const { value, diagnostics } = parseEnvironment(text, 'dev.yaml');
  assert.deepEqual(diagnostics, []);
  assert.ok(value);
  return value;
}

describe('parseEnvironment', () => {
  const environment = read(readFileSync(join(goldens, 'good-environment/environment.yaml'), 'utf8'));

  it('reads listeners and their routes', () => {
    const [listener, local] = environment.listeners;
    assert.deepEqual(listener?.address.value, { host: '0.0.0.0', port: 8443 });
    assert.deepEqual([listener?.tls?.certificate.value, listener?.tls?.key.value], ['tls/cert.pem', 'tls/key.pem']);
    assert.deepEqual(
      listener?.routes.map(({ host, path, service, strip }) => [host?.value, path?.value, service.value, strip]),
      [
        ['scoring.example.test', undefined, 'scoring', false],
        ['[::1]', '/a/b/**', 'scoring', true],
        [undefined, '/prefect/**', 'other', false],
        [undefined, undefined, 'other', false],
      ],
    );
    assert.deepEqual(local?.address.value, { host: '::1', port: 0 });
    assert.deepEqual(local?.routes, []);
  });

  it('reads issuers as written', () => {
    assert.deepEqual(
      environment.identity[0]?.issuers.map(({ value }) => value),
      ['https://id.example.test/realms/staff', 'http://[::1]:9000/'],
    );
  });

  it('reads endpoints', () => {
    assert.deepEqual(
      environment.services[0]?.endpoints.map(({ rest, grpc }) => [rest?.value, grpc?.value]),
      [
        [{ host: 'models.internal', port: 8501 }, undefined],
        [
          { host: 'fd00::1', port: 8501 },
          { host: 'fd00::1', port: 8500 },
        ],
      ],
    );
  });

  it('reads the rest', () => {
    const { name, engine, audit, admin, state } = environment;
    assert.deepEqual([name.value, engine.value, state.value], ['prod', 'haproxy', '/var/lib/headgate']);
    assert.deepEqual([audit.directory.value, audit.record.value], ['/var/lib/headgate/audit', 'best-effort']);
    assert.deepEqual(admin.value, { host: 'localhost', port: 9900 });
  });

  it('keeps its state in var where nothing else is said', () => {
    const file = join(import.meta.dirname, '../../examples/first-light/environments/dev.yaml');
    assert.equal(read(readFileSync(file, 'utf8')).state.value, 'var');
  });
});
