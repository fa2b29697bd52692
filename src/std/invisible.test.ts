import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findInvisible, hasInvisible, printableLine } from './invisible.ts';

describe('invisible characters', () => {
  it('are found with their offsets, in UTF-16 code units', () => {
    assert.deepEqual(findInvisible('😀\u202eb\tc\n', '\t\n'), [{ character: '\u202e', offset: 2 }]);
  });

  it('are control, bidirectional and zero-width characters', () => {
    for (const character of [
      '\0',
      '\u0007',
      '\u001b',
      '\r',
      '\u007f',
      '\u0085',
      '\u200b',
      '\u200f',
      '\u2028',
      '\u2066',
      '\ufeff',
    ]) {
      assert.equal(hasInvisible(`a${character}b`), true, JSON.stringify(character));
      assert.equal(hasInvisible('ab'), false, 'a global expression keeps no state between two calls');
    }
    for (const text of ['é', '中文', '😀', 'a b', '“quoted” – …']) assert.equal(hasInvisible(text), false, text);
  });

  it('never reach a terminal', () => {
    assert.equal(printableLine('\tred \u001b[31m\u202e'), ' red ·[31m·');
  });
});
