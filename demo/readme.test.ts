import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8');

test('the policy in the README is the one that the demo runs', () => {
  const [, shown] = /```yaml\n([\s\S]*?)```/.exec(read('../README.md')) ?? [];
  assert.equal(
    shown,
    read('headgate.yaml').replace(/^# yaml-language-server.*\n/, ''),
    'copy demo/headgate.yaml into the README',
  );
});

test('the policy fits on one screen', () => {
  assert.ok(read('headgate.yaml').split('\n').length <= 50);
});
