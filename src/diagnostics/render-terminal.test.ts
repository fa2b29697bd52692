import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderJson } from './render-json.ts';
import { renderTerminal } from './render-terminal.ts';
import { Source } from './source.ts';
import type { Diagnostic } from './types.ts';

function sourcesOf(text: string): ReadonlyMap<string, string> {
  return new Map([['f.yaml', text]]);
}

function at(text: string, found: string): Diagnostic['span'] & object {
  const start = text.indexOf(found);
  return new Source('f.yaml', text).span(start, start + found.length);
}

const text = 'version: 1\nrules:\n  - name: x\n    alow: [a]\n';
const diagnostic: Diagnostic = {
  code: 'HG1101',
  severity: 'error',
  message: 'unknown key `alow`',
  span: at(text, 'alow'),
  hint: 'did you mean `allow`?',
  notes: [{ message: 'in this rule', span: at(text, 'name') }, { message: 'a fact' }],
};

describe('renderTerminal', () => {
  it('shows place, line, underlined text, notes and hint', () => {
    const expected = [
      'error[HG1101]: unknown key `alow`',
      ' --> f.yaml:4:5',
      '  |',
      '4 |     alow: [a]',
      '  |     ^^^^',
      '  = note: in this rule',
      ' --> f.yaml:3:5',
      '  |',
      '3 |   - name: x',
      '  |     ^^^^',
      '  = note: a fact',
      '  = hint: did you mean `allow`?',
      '',
      '1 error',
      '',
    ];
    assert.equal(renderTerminal([diagnostic], { sources: sourcesOf(text) }), expected.join('\n'));
  });

  it('says nothing of nothing', () => {
    assert.equal(renderTerminal([]), '');
  });

  it('is coloured only when asked', () => {
    assert.equal(renderTerminal([diagnostic], { sources: sourcesOf(text) }).includes('\u001b'), false);
    const coloured = renderTerminal([diagnostic], { sources: sourcesOf(text), colour: true });
    assert.ok(coloured.startsWith(`${String.fromCharCode(27)}[1;31merror[HG1101]`));
  });

  it('gives the place alone where it has no text', () => {
    assert.match(renderTerminal([diagnostic]), /^error\[HG1101\].*\n --> f\.yaml:4:5\n {2}= note/);
  });

  it('underlines the first line of a span over several', () => {
    const span = { ...at(text, 'rules:'), endLine: 4, endColumn: 3 };
    const shown = renderTerminal([{ ...diagnostic, span, notes: [] }], { sources: sourcesOf(text) });
    assert.match(shown, /2 \| rules:\n {2}\| \^{6}\n/);
  });

  it('cuts a long line around what is meant', () => {
    const long = `${'a: b, '.repeat(200)}here, ${'c: d, '.repeat(200)}`;
    const shown = renderTerminal([{ ...diagnostic, span: at(long, 'here'), notes: [] }], { sources: sourcesOf(long) });
    const [line = '', marks = ''] = shown.split('\n').slice(3, 5);
    assert.ok(line.length < 180);
    assert.equal(marks.indexOf('^^^^'), line.indexOf('here'));
  });

  it('writes no control character of the file to the terminal', () => {
    const evil = 'name: "\u001b[2J\u202ex"';
    const shown = renderTerminal([{ ...diagnostic, span: at(evil, 'x'), notes: [] }], { sources: sourcesOf(evil) });
    assert.match(shown, /1 \| name: "·\[2J·x"/);
  });

  it('stars out a literal secret, whichever diagnostic shows its line', () => {
    const leak = 'a: { odd: "hunter two", x: 1 }';
    const secret: Diagnostic = { ...diagnostic, code: 'HG1130', span: at(leak, '"hunter two"'), notes: [] };
    const other: Diagnostic = { ...diagnostic, span: at(leak, 'x'), notes: [] };
    const shown = renderTerminal([other, secret], { sources: sourcesOf(leak) });
    assert.doesNotMatch(shown, /hunter/);
    assert.equal(shown.split('a: { odd: ************, x: 1 }').length, 3);
  });

  it('counts errors and warnings', () => {
    const warning: Diagnostic = { code: 'HG2021', severity: 'warning', message: 'm' };
    assert.match(renderTerminal([diagnostic, diagnostic, warning]), /\n2 errors, 1 warning\n$/);
    assert.match(renderTerminal([{ ...warning, severity: 'note' }]), /^note\[HG2021\]: m\n\n$/);
  });
});

describe('renderJson', () => {
  it('is an array with the title of each code', () => {
    const [first]: unknown[] = JSON.parse(renderJson([diagnostic]));
    assert.deepEqual(first, { ...diagnostic, title: 'unknown key' });
    assert.equal(renderJson([]), '[]\n');
  });
});
