import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generatedFiles } from '../scripts/generated.ts';

const root = join(import.meta.dirname, '..');

describe('generated files', () => {
  for (const [file, text] of generatedFiles()) {
    it(`${file} is as the code makes it`, () => {
      const path = join(root, file);
      const committed = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
      assert.equal(committed, text, 'run `npm run generate` and commit what it writes');
    });
  }
});
