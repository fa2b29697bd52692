import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runCli } from '../src/cli/testing/run-cli.ts';

const root = join(import.meta.dirname, '..');
const goldens = join(root, 'test/goldens/tests');
const update = process.env.HEADGATE_UPDATE_GOLDENS === '1';
const scratch = mkdtempSync(join(tmpdir(), 'hg-tests-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function hold(name: string, file: string, text: string): void {
  const path = join(goldens, name, file);
  if (update) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
}

describe('goldens of headgate test', () => {
  for (const name of readdirSync(goldens).toSorted()) {
    it(name, async () => {
      const folder = join(goldens, name);
      const junit = join(scratch, `${name}.xml`);
      const ran = await runCli('test', '-p', join(folder, 'headgate.yaml'), '--junit', junit);
      const relative = (text: string): string => text.replaceAll(`${folder}/`, '');
      hold(name, 'expected.txt', relative(`${ran.err}${ran.out}exit ${ran.code}\n`));
      if (ran.out !== '') hold(name, 'expected.xml', relative(readFileSync(junit, 'utf8')));
    });
  }
});

describe('the tests that come with examples and demo', () => {
  for (const folder of ['examples/first-light', 'demo']) {
    it(`${folder}: all pass and reach every rule`, async () => {
      const policy = join(root, folder, 'headgate.yaml');
      const { code, out, err } = await runCli('test', '-p', policy, '--min-coverage', '100');
      assert.deepEqual([code, err], [0, ''], out);
    });
  }
});
