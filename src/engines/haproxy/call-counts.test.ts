import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCounts, strayStreams } from './call-counts.ts';

const head = '# pxname,svname,scur,req_tot,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,mode,';
const rows = [
  'in.1,FRONTEND,3,100,0,80,0,10,2,3,http,',
  'in.2,FRONTEND,1,7,0,7,0,0,0,0,http,',
  'up.1,BACKEND,2,80,0,80,0,0,0,0,http,',
  'ask.1,BACKEND,1,15,0,0,0,10,2,3,http,',
  'headgate.gate,BACKEND,4,,,,,,,,tcp,',
];

test('what is open is what has begun and has no end; what a backend has is on its way', () => {
  const counts = readCounts(`${[head, ...rows].join('\n')}\n`, 2);
  assert.deepEqual(counts, { open: [5, 0], inFlight: 3, connections: 4, isExact: true });
});

test('columns are found by their names, so that another version may have more', () => {
  const reordered = [head, ...rows].map((line) => `x,${line.replace('# ', '')}`).join('\n');
  assert.deepEqual(readCounts(`# ${reordered}`, 2)?.open, [5, 0]);
});

test('no answer, half of one, or one without a listener, says nothing', () => {
  assert.equal(readCounts('', 1), undefined);
  assert.equal(readCounts(`${head}\n${rows[2]}`, 1), undefined);
  assert.equal(readCounts(`${head}\nin.1,FRONTEND,3,1`, 2), undefined);
  assert.equal(readCounts('# pxname,svname\nin.1,FRONTEND', 1)?.open[0], 0, 'columns that are not there count nothing');
});

test('an answer that HAProxy may have written in parts is not exact', () => {
  const padding = `x,BACKEND,0,0,0,0,0,0,0,0,tcp,${'-'.repeat(40_000)}`;
  assert.equal(readCounts([head, ...rows, padding].join('\n'), 2)?.isExact, false);
});

test('a stream of a listener that no backend has is a stray', () => {
  const text = [
    '0x1: proto=tcpv4 src=127.0.0.1:1 fe=in.1 be=up.1 srv=replica.1 ts=00',
    '0x2: proto=tcpv4 src=127.0.0.1:2 fe=in.2 be=<NONE> srv=<none> ts=00',
    '0x3: proto=tcpv4 src=127.0.0.1:3 fe=in.1 be=ask.2 srv=<none> ts=00',
    '0x5: proto=tcpv4 src=127.0.0.1:4 fe=in.1 be=grpc.plain.1 srv=replica.1 ts=00',
    '0x4: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00',
  ].join('\n');
  assert.equal(strayStreams(text), 1);
});
