import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnvironment, parsePolicy } from '../policy/index.ts';
import { compile } from './compile.ts';

const golden = join(import.meta.dirname, '../../test/goldens/compile/timeouts');
const [policyText, environmentText] = ['headgate.yaml', 'environment.yaml'].map((file) =>
  readFileSync(join(golden, file), 'utf8'),
) as [string, string];

/** Codes of what is told of one binding, in a service that is otherwise good. */
function told(binding: string, engine = 'embedded'): readonly string[] {
  const text = environmentText
    .replace('engine: embedded', `engine: ${engine}`)
    .replace(/\n {2}s1:[\s\S]*?\naudit/, `\nservices_: 0\naudit`)
    .replace(/services:\nservices_: 0/, `services:\n  s1: { endpoints: [{ rest: 127.0.0.1:8501 }], ${binding} }`)
    .replace(/routes:[\s\S]*?identity/, 'routes: [{ service: s1 }]\nidentity');
  const policy = parsePolicy(
    policyText.replace(/\n {2}(s[2-5]|good):.*/g, '').replace(/at: \[.*\]/, 'at: s1/**'),
    'headgate.yaml',
  );
  const environment = parseEnvironment(text, 'environment.yaml');
  assert.ok(policy.value && environment.value, JSON.stringify([policy.diagnostics[0], environment.diagnostics[0]]));
  const { value, diagnostics } = compile(policy.value, environment.value);
  assert.ok(value, 'none of it is an error');
  return diagnostics.map(({ code }) => code);
}

test('a wait that ends just before the deadline is not told; one that ends with it is', () => {
  const queue = (wait: string) =>
    `timeouts: { connect: 10ms, deadline: 1s }, queue: { inFlight: 1, waiting: 1, wait: ${wait} }`;
  assert.deepEqual(told(queue('999ms')), []);
  assert.deepEqual(told(queue('1s')), ['HG2110']);
  const ofModel = 'queue: { models: { m: { inFlight: 1, waiting: 1, wait: 1s }, p: { inFlight: 1 } } }';
  assert.deepEqual(told(`timeouts: { connect: 10ms, deadline: 1s }, ${ofModel}`), ['HG2110']);
});

test('connecting counts as often as a call is tried', () => {
  const timeouts = 'timeouts: { connect: 500ms, deadline: 1001ms }';
  assert.deepEqual(told(timeouts), []);
  assert.deepEqual(told(`${timeouts}, retries: { tries: 3 }`), ['HG2111']);
  assert.deepEqual(told('timeouts: { connect: 500ms, deadline: 1s }'), ['HG2111']);
  assert.deepEqual(told('timeouts: { connect: 500ms, deadline: 1s }, retries: none'), []);
  assert.deepEqual(told('timeouts: { connect: 1s, deadline: 1s }, retries: none'), ['HG2111']);
});

test('a silence is held against the deadline only where both are written', () => {
  assert.deepEqual(told('timeouts: { connect: 10ms, deadline: 30s }'), []);
  assert.deepEqual(told('timeouts: { connect: 10ms, answer: 30s, deadline: 30s }'), []);
  assert.deepEqual(told('timeouts: { connect: 10ms, answer: 31s, deadline: 30s }'), ['HG2112']);
});

test("only the embedded engine ends a client's connection before a long silence is over", () => {
  assert.deepEqual(told('timeouts: { answer: 2m }'), []);
  assert.deepEqual(told('timeouts: { answer: 3m }'), ['HG2113']);
  assert.deepEqual(told('timeouts: { answer: 3m }', 'haproxy'), []);
});
