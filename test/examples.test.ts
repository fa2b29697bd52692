import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli } from '../src/cli/testing/run-cli.ts';
import { compile } from '../src/compile/index.ts';
import { parseEnvironment, parsePolicy } from '../src/policy/index.ts';

const folder = join(import.meta.dirname, '../examples/first-light');

describe('examples/first-light', () => {
  it('compiles without a word', () => {
    const policy = parsePolicy(readFileSync(join(folder, 'headgate.yaml'), 'utf8'), 'headgate.yaml');
    const environment = parseEnvironment(readFileSync(join(folder, 'environments/dev.yaml'), 'utf8'), 'dev.yaml');
    assert.ok(policy.value && environment.value);
    const { value, diagnostics } = compile(policy.value, environment.value);
    assert.deepEqual(diagnostics, []);
    assert.equal(value?.access.rules.length, 4);
  });

  it('has a lock that is not stale', async () => {
    const { code, err } = await runCli('check', '--lock', '--ci', '-p', join(folder, 'headgate.yaml'));
    assert.equal(code, 0, err);
  });

  it('passes its own policy tests', async () => {
    const { code, out, err } = await runCli('test', '-p', join(folder, 'headgate.yaml'));
    assert.equal(code, 0, out + err);
  });
});

describe('docs/traffic.md', () => {
  it('shows what compiles without a word', () => {
    const text = readFileSync(join(import.meta.dirname, '../docs/traffic.md'), 'utf8');
    const [services = '', bindings = ''] = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block);
    const first = (file: string): string =>
      readFileSync(join(folder, file), 'utf8').replace(/\nservices:\n( .*\n)+/, '\n');
    const names = services.replace('versions: [stable, canary], ', '');
    const rules = 'rules: [{ name: employees predict, allow: [employees], to: predict, at: scoring/** }]\n';
    const identity = 'version: 1\nidentity: { staff: { oidc: { audience: headgate } } }\n';
    const groups = 'groups: { employees: [{ staff: any }] }\n';
    const policy = parsePolicy(`${identity}${groups}${names}${rules}`, 'headgate.yaml');
    const environment = parseEnvironment(`${first('environments/dev.yaml')}${bindings}`, 'dev.yaml');
    assert.deepEqual([...policy.diagnostics, ...environment.diagnostics], []);
    assert.ok(policy.value && environment.value);
    const { value, diagnostics } = compile(policy.value, environment.value);
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(Object.keys(value?.upstreams[0]?.models ?? {}).sort(), [
      'dialogue',
      'finance-credit',
      'finance-prod',
    ]);
  });
});
