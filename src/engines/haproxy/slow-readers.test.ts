import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stalledIn } from './slow-readers.ts';

/** As HAProxy 2.6.12 has it. */
const session = (pointer: string, frontend: string, backend: string, left: string): string =>
  `${pointer}: proto=tcpv4 src=127.0.0.1:55262 fe=${frontend} be=${backend} srv=replica.1 ts=00 epoch=0 age=2m calls=2 rate=0 cpu=0 lat=0 ` +
  `rq[f=c40080h,i=0,an=8000h,rx=,wx=,ax=] rp[f=80040000h,i=0,an=4000000h,rx=59m59s,wx=${left},ax=] scf=[8,0h,fd=12] scb=[8,1h,fd=11] ` +
  'exp=59m59s rc=0 c_exp=';

test('a client that takes nothing of its answer is found, but not one of a stream, nor one that reads', () => {
  const text = [
    session('0x1', 'in.1', 'plain.1', '58m50s'),
    session('0x2', 'in.1', 'plain.1', '59m10s'),
    session('0x3', 'in.1', 'plain.1', ''),
    session('0x4', 'in.1', 'grpc.2', '10m'),
    session('0x5', 'in.2', 'plain.1', '10m'),
    session('0x6', 'in.1', 'up.1', '40s'),
    session('0x7', 'in.1', 'up.1', '1h'),
  ].join('\n');
  assert.deepEqual(stalledIn(text, new Map([['in.1', 3_600_000]]), new Set(['grpc.2'])), ['0x1', '0x6']);
});
