import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Checked, type Diagnostic, renderTerminal } from '../src/diagnostics/index.ts';
import { parseEnvironment, parsePolicy } from '../src/policy/index.ts';

const root = join(import.meta.dirname, '..');
const goldens = join(root, 'test/goldens/policy');
const update = process.env.HEADGATE_UPDATE_GOLDENS === '1';

/** Cases whose input is an example that people read, so that the two can't grow apart. */
const examples: Readonly<Record<string, string>> = {
  'design-environment': 'examples/design/environments/dev.yaml',
  'design-policy': 'examples/design/headgate.yaml',
  'first-light-environment': 'examples/first-light/environments/dev.yaml',
  'first-light-policy': 'examples/first-light/headgate.yaml',
};

const inputNames = ['headgate.yaml', 'environment.yaml'] as const;

/** What a run shows: the diagnostics, and whether a value came of it. */
function show(checked: Checked<unknown>, file: string, text: string): string {
  const rendered = renderTerminal(checked.diagnostics, { sources: new Map([[file, text]]) });
  return `${rendered}${checked.value === undefined ? 'not read' : 'read'}\n`;
}

function parse(file: string, text: string): Checked<unknown> {
  return file === 'headgate.yaml' ? parsePolicy(text, file) : parseEnvironment(text, file);
}

function inputOf(name: string): { file: string; text: string } {
  const example = examples[name];
  if (example !== undefined) {
    const file = example.includes('environments/') ? 'environment.yaml' : 'headgate.yaml';
    return { file, text: readFileSync(join(root, example), 'utf8') };
  }
  const file = inputNames.find((each) => existsSync(join(goldens, name, each)));
  assert.ok(file, `test/goldens/policy/${name} holds neither ${inputNames.join(' nor ')}`);
  return { file, text: readFileSync(join(goldens, name, file), 'utf8') };
}

describe('goldens of reading', () => {
  for (const name of readdirSync(goldens).toSorted()) {
    it(name, () => {
      const { file, text } = inputOf(name);
      const checked = parse(file, text);
      const shown = show(checked, file, text);
      const expected = join(goldens, name, 'expected.txt');
      if (update) writeFileSync(expected, shown);
      assert.equal(shown, readFileSync(expected, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
      checkInvariants(checked);
    });
  }

  it("DESIGN.md's whole example shows what later versions bring, and nothing else", () => {
    for (const name of ['design-policy', 'design-environment']) {
      const { file, text } = inputOf(name);
      assert.deepEqual([...new Set(parse(file, text).diagnostics.map(({ code }) => code))], ['HG1120']);
    }
  });
});

function checkInvariants({ value, diagnostics }: Checked<unknown>): void {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  assert.equal(value === undefined, errors.length > 0, 'a value exactly where there is no error');
  for (const { message, span } of diagnostics) {
    assert.ok(span, `a place for: ${message}`);
    assert.doesNotMatch(message, /[.\n]$/, 'a message is one sentence without its full stop');
  }
  assert.equal(new Set(diagnostics.map(identity)).size, diagnostics.length, 'nothing is said twice');
}

function identity({ code, message, span }: Diagnostic): string {
  return JSON.stringify([code, message, span]);
}
