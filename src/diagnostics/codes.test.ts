import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compileCodes } from './codes/compile.ts';
import { environmentCodes } from './codes/environment.ts';
import { formCodes } from './codes/form.ts';
import { policyCodes } from './codes/policy.ts';
import { textCodes } from './codes/text.ts';
import { trafficCodes } from './codes/traffic.ts';
import { type CodeRow, codes } from './codes.ts';

const src = join(import.meta.dirname, '..');

function codesUsed(): Set<string> {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith(join('diagnostics', 'codes')),
  );
  const text = files.map((file) => readFileSync(join(src, file), 'utf8')).join('\n');
  return new Set(text.match(/\bHG\d{4}\b/g));
}

describe('the registry of codes', () => {
  it('holds every code that is used', () => {
    assert.deepEqual([...codesUsed()].filter((code) => !Object.hasOwn(codes, code)).toSorted(), []);
  });

  it('holds no code twice', () => {
    const parts = [textCodes, formCodes, policyCodes, environmentCodes, compileCodes, trafficCodes].flatMap((part) =>
      Object.keys(part),
    );
    assert.equal(new Set(parts).size, parts.length);
  });

  it('has a title and a meaning for each', () => {
    for (const [code, { title, meaning }] of Object.entries<CodeRow>(codes)) {
      assert.match(code, /^HG\d{4}$/);
      assert.match(title, /^\S.*[^.]$/, code);
      assert.match(meaning, /^\S.*\.$/s, code);
    }
  });
});
