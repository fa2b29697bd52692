import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { pieceBytes, piecesMax } from './limits.ts';
import { Pieces } from './pieces.ts';

test('memory that was given back is used again, and never twice at once', () => {
  const pieces = new Pieces();
  const sizes = [0, 10, 3000, pieceBytes - 1, pieceBytes, pieceBytes + 1];
  const taken = sizes.map((size): { bytes: Buffer; copy: Buffer } => ({
    bytes: randomBytes(size),
    copy: Buffer.alloc(0),
  }));
  for (let round = 0; round < 3; round += 1) {
    for (const each of taken) each.copy = pieces.copy(each.bytes);
    for (const { bytes, copy } of taken) assert.ok(copy.equals(bytes) && copy !== bytes);
    const memory = taken.filter(({ copy }) => copy.length >= 3000).map(({ copy }) => copy.buffer);
    assert.equal(new Set(memory).size, memory.length);
    for (const { copy } of taken) pieces.giveBack(copy);
  }
  const first = pieces.copy(randomBytes(5000));
  pieces.giveBack(first);
  assert.equal(pieces.copy(randomBytes(6000)).buffer, first.buffer);
});

test("what isn't its own is left alone, and what is kept is bounded", () => {
  const pieces = new Pieces();
  const foreign = Buffer.allocUnsafeSlow(pieceBytes);
  pieces.giveBack(foreign);
  assert.notEqual(pieces.copy(foreign).buffer, foreign.buffer);
  const many = Array.from({ length: 2 * piecesMax }, () => pieces.copy(foreign));
  for (const each of many) pieces.giveBack(each);
  const again = new Set(Array.from({ length: 2 * piecesMax }, () => pieces.copy(foreign).buffer));
  assert.equal(many.filter(({ buffer }) => again.has(buffer)).length, piecesMax);
});
