import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breaksAnswers } from './streams-apart.ts';

test('versions that break large answers off are known by their numbers', () => {
  const broken = ['2.6.12', '2.6.12-1+deb12u4', '2.6.16', '2.7.11', '2.8.5', '2.9.0', '2.4.22'];
  const mended = ['2.6.17', '2.7.12', '2.8.6', '2.9.1', '3.0.0', '3.2.4'];
  assert.deepEqual([...broken, ...mended].filter(breaksAnswers), broken);
});
