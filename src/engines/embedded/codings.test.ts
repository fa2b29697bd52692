import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Coding } from '../../plan/types.ts';
import { AnswerFields } from './answer-fields.ts';
import { codingOf, markCoded } from './coded-answer.ts';
import { Codings, coded, coder } from './codings.ts';
import { codedBytesMin } from './limits.ts';

const all: readonly Coding[] = ['zstd', 'br', 'gzip'];
const read = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

test('what the client takes, by weight, then by our preference', () => {
  const codings = new Codings(all);
  const cases: readonly (readonly [accept: string | undefined, coding: Coding | undefined, onlyCoded: boolean])[] = [
    [undefined, undefined, false],
    ['', undefined, false],
    ['gzip', 'gzip', false],
    ['x-gzip', 'gzip', false],
    ['GZIP', 'gzip', false],
    ['deflate, gzip, br, zstd', 'zstd', false],
    ['gzip;q=1.0, br;q=0.5', 'gzip', false],
    ['br;q=0.5, gzip ; q=0.8, zstd;q=0', 'gzip', false],
    ['*', 'zstd', false],
    ['*;q=0.1, zstd;q=0', 'br', false],
    ['identity', undefined, false],
    ['identity;q=1, gzip;q=0.5', undefined, false],
    ['identity;q=0.5, gzip;q=0.5', 'gzip', false],
    ['identity;q=0, gzip', 'gzip', true],
    ['gzip, *;q=0', 'gzip', true],
    ['identity;q=0', undefined, false],
    ['gzip;q=0', undefined, false],
    ['gzip;q=2, br;q=x', undefined, false],
    ['gzip;q=0.0001', undefined, false],
    [',, ,gzip', 'gzip', false],
  ];
  for (const [accept, coding, onlyCoded] of cases) {
    for (let turn = 0; turn < 2; turn += 1) {
      assert.deepEqual(codings.accepted(accept), { coding, onlyCoded }, `${accept}`);
    }
  }
  assert.equal(new Codings(['gzip']).accepted('br, zstd').coding, undefined);
});

function answer(fields: readonly string[], length?: number): AnswerFields {
  const made = new AnswerFields();
  made.sent.push(...fields);
  made.length = length;
  return made;
}

test('which answers are worth it, and that caches are told', () => {
  const gzip = { coding: 'gzip', onlyCoded: false } as const;
  const json = ['content-type', 'application/json'];
  const of = (fields: readonly string[], length?: number, status = 200): Coding | undefined =>
    codingOf(answer(fields, length), status, gzip);
  for (const type of [
    'application/json; charset=utf-8',
    'text/plain',
    'text/event-stream',
    'application/problem+json',
  ]) {
    assert.equal(of(['Content-Type', type]), 'gzip', type);
  }
  for (const type of ['image/png', 'application/octet-stream', 'application/grpc', 'application/zip', '']) {
    assert.equal(of(['content-type', type]), undefined, type);
  }
  assert.equal(of([]), undefined);
  assert.deepEqual([of(json, codedBytesMin), of(json, codedBytesMin - 1)], ['gzip', undefined]);
  assert.equal(of(json, 5000, 206), undefined);
  for (const other of [
    ['Content-Encoding', 'gzip'],
    ['content-encoding', 'what?'],
    ['cache-control', 'public,no-transform'],
    ['content-range', 'bytes 0-1/2'],
    ['content-digest', 'sha-256=:AA==:'],
  ]) {
    const kept = answer([...json, ...other], 5000);
    assert.equal(codingOf(kept, 200, gzip), undefined, other[0]);
    assert.deepEqual(kept.sent, [...json, ...other]);
  }
  const small = answer(json, 10);
  assert.equal(codingOf(small, 200, { coding: 'gzip', onlyCoded: true }), 'gzip');
  const varied = answer([...json, 'Vary', 'origin'], 5000);
  assert.equal(codingOf(varied, 200, { coding: undefined, onlyCoded: false }), undefined);
  assert.deepEqual(varied.sent.slice(-2), ['vary', 'accept-encoding']);
  for (const vary of ['*', 'origin, Accept-Encoding']) {
    const known = answer([...json, 'vary', vary], 5000);
    codingOf(known, 200, gzip);
    assert.equal(known.sent.length, 4, vary);
  }
});

test('a coded answer has no length of before, and a weak ETag', () => {
  const made = answer(['Content-Length', '5000', 'ETag', '"a"', 'accept-ranges', 'bytes', 'x', 'y'], 5000);
  markCoded(made, 'br');
  assert.deepEqual(made.sent, ['ETag', 'W/"a"', 'x', 'y', 'content-encoding', 'br']);
  assert.equal(made.length, undefined);
  const weak = answer(['etag', 'W/"a"']);
  markCoded(weak, 'gzip');
  assert.deepEqual(weak.sent, ['etag', 'W/"a"', 'content-encoding', 'gzip']);
});

test('what is coded, at once or as it passes, is read back', async () => {
  const body = Buffer.from(JSON.stringify({ predictions: Array.from({ length: 4000 }, (_, at) => at % 17) }));
  for (const coding of all) {
    assert.ok(read[coding](coded(body, coding)).equals(body), coding);
    assert.ok(coded(body, coding).length < body.length / 4, coding);
    for (const isSteady of [true, false]) {
      const stream = coder(coding, isSteady);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.write(body.subarray(0, 1000));
      if (isSteady) await once(stream, 'data');
      stream.end(body.subarray(1000));
      await once(stream, 'end');
      assert.ok(read[coding](Buffer.concat(chunks)).equals(body), coding);
    }
  }
});
