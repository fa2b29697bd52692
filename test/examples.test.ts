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
