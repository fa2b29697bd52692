import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { celFunctions, celMethods, celRoots, celWalks, celWords } from './cel-vocabulary.ts';

test('docs/conditions.md names all that a condition can read and say', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/conditions.md'), 'utf8');
  const fields = Object.entries(celRoots).flatMap(([root, has]) => Object.keys(has).map((field) => `${root}.${field}`));
  const names = [...fields, ...celWords, ...celFunctions, ...celMethods, ...celWalks];
  const missing = names.filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(page));
  assert.deepEqual(missing, []);
});
