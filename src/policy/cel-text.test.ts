import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isMap, type Node, parseDocument, type Scalar, stringify } from 'yaml';
import { Source } from '../diagnostics/index.ts';
import { celText } from './cel-text.ts';
import type { CelText } from './types.ts';

interface Read {
  readonly cel: CelText;
  readonly yaml: string;
}

/** The condition under `when` of a YAML text. */
function read(yaml: string): Read {
  const { contents } = parseDocument(yaml);
  assert.ok(isMap(contents));
  return { cel: celText(contents.get('when', true) as Node, new Source('f', yaml)), yaml };
}

/** The text of the file that a piece of the condition is placed at. */
function placed({ cel, yaml }: Read, piece: string): string {
  const start = cel.text.indexOf(piece);
  assert.notEqual(start, -1, `${JSON.stringify(piece)} in ${JSON.stringify(cel.text)}`);
  const { line, column, endLine, endColumn } = cel.spanOf(start, start + piece.length);
  const lines = yaml.split('\n');
  if (line === endLine) return lines[line - 1]?.slice(column - 1, endColumn - 1) ?? '';
  const first = lines[line - 1]?.slice(column - 1);
  const last = lines[endLine - 1]?.slice(0, endColumn - 1);
  return [first, ...lines.slice(line, endLine - 1), last].join('\n');
}

describe('an offset in a condition is placed in the file', () => {
  it('plain', () => {
    const found = read('a: 1\nwhen: caller.client == "x" && tru # why\n');
    assert.equal(placed(found, 'tru'), 'tru');
    assert.deepEqual(found.cel.spanOf(0, 6), { file: 'f', line: 2, column: 7, endLine: 2, endColumn: 13 });
  });

  it('plain over several lines', () => {
    const found = read('when: one &&\n  two &&\n\n  three\nb: 1\n');
    assert.equal(found.cel.text, 'one && two &&\nthree');
    for (const piece of ['one', 'two', 'three']) assert.equal(placed(found, piece), piece);
    assert.equal(placed(found, 'one && two'), 'one &&\n  two');
  });

  it('in single quotes, doubled ones within', () => {
    const found = read("when: 'a == ''b'' && tru'\n");
    assert.equal(placed(found, "'b'"), "''b''");
    assert.equal(placed(found, 'tru'), 'tru');
  });

  it('in double quotes, with escapes', () => {
    const found = read('when: "a == \\"b\\" && \\x63\\u0064\\U0001F600e && tru"\n');
    assert.equal(found.cel.text, 'a == "b" && cd😀e && tru');
    assert.equal(placed(found, '"b"'), '\\"b\\"');
    assert.equal(placed(found, '😀'), '\\U0001F600');
    assert.equal(placed(found, 'tru'), 'tru');
  });

  it('in double quotes over several lines', () => {
    const found = read('when: "one &&\n  two \\\n  && three\n\n  four"\n');
    assert.equal(found.cel.text, 'one && two && three\nfour');
    for (const piece of ['one', 'two', '&& three', 'four']) assert.equal(placed(found, piece), piece);
  });

  it('in a literal block', () => {
    const found = read('a: 1\nwhen: |\n  one &&\n    two &&\n\n  three\nb: 1\n');
    assert.equal(found.cel.text, 'one &&\n  two &&\n\nthree\n');
    for (const piece of ['one', 'two', 'three']) assert.equal(placed(found, piece), piece);
    assert.equal(found.cel.spanOf(found.cel.text.indexOf('two'), 0).line, 4);
  });

  it('in a folded block, with a header', () => {
    const found = read('when: >2- # folded\n  one &&\n  two\n\n  three\n    more\n');
    for (const piece of ['one', 'two', 'three', 'more']) assert.equal(placed(found, piece), piece);
  });

  it('in a file with Windows line ends', () => {
    const found = read('when: >\r\n  one &&\r\n  two\r\n');
    for (const piece of ['one', 'two']) assert.equal(placed(found, piece), piece);
  });

  it('at the end of the condition and beyond', () => {
    const { cel } = read('when: "ab"\n');
    assert.deepEqual(cel.spanOf(2, 2), { file: 'f', line: 1, column: 10, endLine: 1, endColumn: 10 });
    assert.deepEqual(cel.spanOf(9, 99), cel.spanOf(2, 2));
  });

  it('however it is written', () => {
    const types = ['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const;
    const words = fc.array(fc.stringMatching(/^[a-z"'\\.éλ&=]{1,6}$/u), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, fc.constantFrom(...types), fc.constantFrom(' ', '\n'), (list, type, gap) => {
        const text = list.join(gap);
        const yaml = stringify({ when: text }, { defaultStringType: type, lineWidth: 30 });
        const found = read(yaml);
        assert.equal(found.cel.text, text);
        for (const [index, unit] of [...text].entries()) {
          if (/[\s"'\\]/.test(unit)) continue;
          const start = [...text].slice(0, index).join('').length;
          const span = found.cel.spanOf(start, start + unit.length);
          const line = yaml.split('\n')[span.line - 1] ?? '';
          const shown = line.slice(span.column - 1, span.endColumn - 1);
          assert.equal(decoded(shown), unit, `${JSON.stringify(unit)} at ${start} of ${yaml}`);
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

/** What a piece of double-quoted text stands for. */
function decoded(shown: string): string {
  return shown.startsWith('\\') ? String((parseDocument(`"${shown}"`).contents as Scalar).value) : shown;
}
