import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { all, call, configuration, directive, format, mapLine, not, PrintError, test as testOf } from './print.ts';

const seeded = { seed: 20261121, numRuns: 500 };
/** Everything that a line can hold: all but NUL. */
const text = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 1, max: 126 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom("'", '"', '\\', '$', '#', ' ', '\n', 'é', '{', '}'),
  ),
  maxLength: 40,
});

/** Reads a line as configuration.txt, section 2.2, says: independent of the printer. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (quote === "'") {
      if (character === "'") quote = '';
      else word += character;
    } else if (character === '\\') {
      const [piece, used] = escapeOf(line.slice(at + 1));
      word = (word ?? '') + piece;
      at += used;
    } else if (character === "'") {
      quote = character;
      word ??= '';
    } else if (character === ' ') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' || character === '"') throw new Error('a comment or weak quotes');
    else word = (word ?? '') + character;
  }
  assert.equal(quote, '');
  return word === undefined ? words : [...words, word];
}

function escapeOf(rest: string): [string, number] {
  if (rest.startsWith('x')) return [String.fromCharCode(Number.parseInt(rest.slice(1, 3), 16)), 3];
  const plain: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
  const character = rest[0] ?? '';
  return [plain[character] ?? character, 1];
}

test('no text escapes its word', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (words) => {
      const line = directive(words);
      assert.ok(!line.includes('\n'));
      assert.deepEqual(wordsOf(line), words);
    }),
    seeded,
  );
});

test('no text escapes its argument', () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(printable, printable, (a, b) => {
      const written = call('concat', a, b);
      // The parser of arguments reads quotes as the one of lines; commas and the bracket end an argument outside of them.
      const inner = written.slice('concat('.length, -1);
      assert.deepEqual(splitArguments(inner), [a, b]);
    }),
    seeded,
  );
});

function splitArguments(inner: string): string[] {
  const found = [''];
  let isQuoted = false;
  for (let at = 0; at < inner.length; at += 1) {
    const character = inner[at] as string;
    if (character === "'") isQuoted = !isQuoted;
    else if (!isQuoted && character === ',') found.push('');
    else if (!isQuoted && character === ')') throw new Error('the arguments ended early');
    else if (!isQuoted && character === '\\') {
      const [piece] = escapeOf(inner.slice(at + 1));
      found[found.length - 1] += piece;
      at += 1;
    } else found[found.length - 1] += character;
  }
  return found;
}

test('a text is no format, and a line feed in an argument is an escape', () => {
  assert.equal(format('50 % of %[src]'), '50 %% of %%[src]');
  assert.equal(format('a', { sample: call('src') }, { field: 'ST' }), 'a%[src]%ST');
  assert.equal(call('concat', '', 'txn.a', '\n'), 'concat(,txn.a,\\n)');
  assert.equal(call('field', 1, ' '), "field(1,' ')");
});

test('conditions are words, and a pattern can not be an operator', () => {
  const one = testOf(call('path'), 'str', '/a b');
  assert.equal(
    directive(['http-request', 'deny'], all(one, not(one))),
    "http-request deny if { path -m str '/a b' } ! { path -m str '/a b' }",
  );
  for (const pattern of ['}', '{', 'or', '||', 'if', 'unless', '-i', '!x', '']) {
    assert.throws(() => testOf(call('path'), 'str', pattern), PrintError);
  }
});

test('what can not be written is refused', () => {
  assert.throws(() => directive(['a\0b']), PrintError);
  assert.throws(() => directive(['x'.repeat(3000)]), PrintError);
  assert.throws(() => directive(Array.from({ length: 65 }, () => 'x')), PrintError);
  assert.throws(() => call('path)'), PrintError);
  assert.throws(() => format({ field: 'S T' }), PrintError);
  assert.throws(() => mapLine('a b', 'c'), PrintError);
  assert.throws(() => mapLine('#a', 'c'), PrintError);
  assert.throws(() => mapLine('a', 'b\nc d'), PrintError);
  assert.throws(() => mapLine('a', 'b '), PrintError);
  assert.throws(() => configuration(['a\nb'], []), PrintError);
});
