import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Source } from './source.ts';

describe('Source', () => {
  it('places offsets by line and column, both from 1', () => {
    const source = new Source('f', 'ab\ncd\r\n\ne');
    assert.deepEqual(source.span(0, 2), { file: 'f', line: 1, column: 1, endLine: 1, endColumn: 3 });
    assert.deepEqual(source.span(4, 5), { file: 'f', line: 2, column: 2, endLine: 2, endColumn: 3 });
    assert.deepEqual(source.span(1, 8), { file: 'f', line: 1, column: 2, endLine: 4, endColumn: 1 });
    assert.deepEqual(source.span(7, 7), { file: 'f', line: 3, column: 1, endLine: 3, endColumn: 1 });
  });

  it('brings offsets beyond the text back to its end', () => {
    assert.deepEqual(new Source('f', 'a').span(9, 3), { file: 'f', line: 1, column: 2, endLine: 1, endColumn: 2 });
    assert.deepEqual(new Source('f', '').span(0, 0), { file: 'f', line: 1, column: 1, endLine: 1, endColumn: 1 });
  });
});
