import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldReader, traceIdOf } from './fields.ts';

test('one pass finds host, credential, length and what is sent on', () => {
  const raw = ['Host', 'a', 'Authorization', 'Bearer t', 'Content-Length', '3', 'X-Kept', '1', 'TE', 'trailers'];
  const fields = new FieldReader([]).read(raw);
  assert.deepEqual([fields.host, fields.hosts, fields.authorization, fields.credentials], ['a', 1, 'Bearer t', 1]);
  assert.deepEqual([fields.length, fields.isChunked, fields.size], ['3', false, raw.join('').length]);
  assert.deepEqual(fields.sent, ['Content-Length', '3', 'X-Kept', '1']);
});

test('identity fields of the client go, in any case and with underscores', () => {
  const names = [
    'X-Headgate-Subject',
    'x_headgate_subject',
    'X-HEADGATE-ASSERTION',
    'Forwarded',
    'x-forwarded-for',
    'X_Forwarded_Host',
  ];
  assert.deepEqual(new FieldReader([]).read(names.flatMap((name) => [name, 'evil'])).sent, []);
});

test('two credentials are counted, and a proxy credential beside one', () => {
  const reader = new FieldReader([]);
  assert.equal(reader.read(['authorization', 'a', 'Authorization', 'b']).credentials, 2);
  assert.ok(reader.read(['authorization', 'a', 'proxy-authorization', 'b']).credentials > 1);
  assert.ok(reader.read(['proxy-authorization', 'b']).credentials > 1);
});

test('what Connection names goes, but not what frames the message', () => {
  const raw = [
    'Connection',
    'X-Mine, close',
    'connection',
    'content-length',
    'X-Mine',
    '1',
    'content-length',
    '2',
    'x-b',
    '3',
  ];
  assert.deepEqual(new FieldReader([]).read(raw).sent, ['content-length', '2', 'x-b', '3']);
});

test('fields that conditions read are noted with their values, in order', () => {
  const reader = new FieldReader(['x-region', 'authorization']);
  const fields = reader.read(['X-Region', 'eu', 'x-other', '1', 'x-region', 'us', 'Authorization', 'Bearer t']);
  assert.equal(fields.reads, '\nx-region:eu\nx-region:us\nauthorization:Bearer t');
  assert.deepEqual(fields.sent, ['X-Region', 'eu', 'x-other', '1', 'x-region', 'us']);
});

test('many invented names fill no memory and are read alike', () => {
  const reader = new FieldReader(['x-9999']);
  for (let index = 0; index < 10_000; index += 1) reader.read([`x-${index}`, 'v']);
  assert.equal(reader.read(['X-9999', 'v']).reads, '\nx-9999:v');
});

test('a trace id is taken from a valid traceparent only', () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  assert.equal(traceIdOf(`00-${id}-00f067aa0ba902b7-01`), id);
  for (const bad of [
    undefined,
    '',
    `01-${id}-00f067aa0ba902b7-01`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${id}-x-01`,
  ]) {
    assert.equal(traceIdOf(bad), null);
  }
});
