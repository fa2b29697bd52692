import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as post } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openedHere } from '../../../test/support/opened.ts';
import { MessageWalk } from '../../wire/index.ts';
import { bytesField, bytesMaxOfCases, frame, messageCases, varint } from '../../wire/testing/message-cases.ts';
import { variables } from './names.ts';
import { call, configuration, directive, format, test as holds } from './print.ts';
import { quickWalkRules } from './quick-walk.ts';
import { request, variable } from './words.ts';

const opened = openedHere();
const folder = opened.adopt(mkdtempSync(join(tmpdir(), 'hg-quick-')), (it) => rmSync(it, { recursive: true }));
const socketPath = join(folder, 'quick.sock');
const agent = opened.adopt(new Agent({ keepAlive: true, maxSockets: 8 }), (it) => it.destroy());

/** A HAProxy that answers what the rules make of a body. */
before(async () => {
  const text = configuration(
    ['The rules, alone.'],
    [
      { head: ['global'], lines: [directive(['tune.bufsize', 40_960])] },
      {
        head: ['defaults'],
        lines: [
          directive(['mode', 'http']),
          ...['client', 'server', 'connect'].map((name) => directive(['timeout', name, '10s'])),
        ],
      },
      {
        head: ['frontend', 'quick'],
        lines: [
          directive(['bind', `unix@${socketPath}`]),
          directive(request('wait-for-body', 'time', '10s')),
          ...quickWalkRules(holds(call('method'), 'str', 'POST')),
          directive(
            request(
              ...['return', 'status', 200, 'content-type', 'text/plain'],
              ...['lf-string', format({ sample: variable(variables.message) })],
            ),
          ),
        ],
      },
    ],
  );
  writeFileSync(join(folder, 'quick.cfg'), text);
  const run = spawn('haproxy', ['-db', '-f', join(folder, 'quick.cfg')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const haproxy = opened.adopt(run, async (it) => {
    if (it.exitCode !== null) return;
    it.kill('SIGKILL');
    await once(it, 'exit');
  });
  while (!existsSync(socketPath)) {
    assert.equal(haproxy.exitCode, null, 'haproxy takes the rules');
    await sleep(20);
  }
});

function ask(body: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length };
    const sent = post({ socketPath, agent, method: 'POST', path: '/', headers }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What the walk says of it. */
function walked(body: Buffer): string {
  const walk = new MessageWalk('spec', bytesMaxOfCases);
  if (!walk.push(body) || !walk.end()) return `~${walk.fault?.reason}`;
  const { model, version, label } = walk.named;
  return `s ${model} ${version !== undefined ? `v${version}` : label !== undefined ? `l${label}` : '-'}`;
}

/** Asks about all; answers which of them it named, each as the walk does. */
async function namedOf(bodies: readonly Buffer[]): Promise<Buffer[]> {
  const answers = await Promise.all(bodies.map(ask));
  return bodies.filter((body, index) => {
    const answer = answers[index] as string;
    if (!answer.startsWith('s ')) return false;
    assert.equal(answer, walked(body), body.toString('hex'));
    return true;
  });
}

const name = bytesField(1, 'finance-prod');
const signature = bytesField(3, 'serving_default');
const input = bytesField(2, Buffer.alloc(1000, 'x\0'));
const output = bytesField(3, 'scores');
const spec = (...fields: Buffer[]): Buffer => bytesField(1, Buffer.concat(fields));
const usual = [
  frame(spec(name), input),
  frame(spec(name, signature), input),
  frame(spec(name), input, output),
  frame(spec(name, signature), input, output),
  frame(spec(name, signature), bytesField(2, Buffer.alloc(128)), output),
];

test('messages of the usual form are named without Lua', async () => {
  assert.deepEqual(await namedOf(usual), usual);
});

/** Fields that pose as others, or that a parser could take for others. */
const numbers = [1, 2, 3, 4, 8, 9, 10, 11, 12].map((size) =>
  Buffer.concat([Buffer.alloc(size - 1, 0x80), Buffer.of(0)]),
);
const visibleNumber = Buffer.from('a');
const posing = [...numbers, visibleNumber].flatMap((number) => [
  Buffer.concat([Buffer.of(0x18), number]),
  Buffer.concat([Buffer.of(0x98, 0), number]),
  Buffer.concat([Buffer.of(0x98, 0x80, 0), number]),
]);
const fixed = [Buffer.of(0x1d), Buffer.of(0x9d, 0)].map((tag) => Buffer.concat([tag, Buffer.from('abcd')]));
const fixedLong = [Buffer.of(0x19), Buffer.of(0x99, 0)].map((tag) => Buffer.concat([tag, Buffer.from('abcdefgh')]));
const overlong = (tag: number, text: string): Buffer =>
  Buffer.concat([Buffer.of(tag, 0x80 | text.length, 0), Buffer.from(text)]);
const thirds = [...posing, ...fixed, ...fixedLong, overlong(0x1a, 'scores'), bytesField(3, '')];

test('nothing odd is named', async () => {
  const long = 'n'.repeat(140);
  const odd = [
    ...thirds
      .slice(0, -1)
      .flatMap((third) => [frame(spec(name), input, third), frame(spec(name, third), input, output)]),
    ...thirds.map((third) => frame(spec(name), third, input)).filter((body) => walked(body).startsWith('~')),
    ...['a\x1a', 'a\x1a\x1a!', 'a b', 'a\0', 'é'].flatMap((text) => [
      frame(spec(bytesField(1, text)), input),
      frame(spec(bytesField(1, text), signature), input),
      frame(spec(bytesField(1, text), bytesField(3, '!'.repeat(33))), input),
    ]),
    frame(spec(name), spec(name), input),
    frame(spec(name, name), input),
    frame(spec(name), input, spec(bytesField(1, 'other'))),
    frame(spec(name, bytesField(2, Buffer.of(8, 1))), input),
    frame(spec(name, bytesField(4, 'stable')), input),
    frame(spec(bytesField(1, long)), input),
    frame(spec(overlong(0x0a, 'm')), input),
    frame(spec(Buffer.of(0x88, 0, 97)), input),
    frame(overlong(0x0a, name.toString('latin1')), input),
    frame(spec(name), Buffer.concat([Buffer.of(0x12), Buffer.of(0xe8, 0x87, 0), Buffer.alloc(1000)])),
    frame(spec(name), Buffer.concat([Buffer.of(0x92, 0), varint(1000), Buffer.alloc(1000)])),
    ...usual.flatMap((body) => [
      body.subarray(0, -1),
      Buffer.concat([body, Buffer.of(0)]),
      Buffer.concat([Buffer.of(1), body.subarray(1)]),
      Buffer.concat([Buffer.of(2), body.subarray(1)]),
    ]),
  ];
  assert.deepEqual(await namedOf(odd), []);
});

test('what is named of thousands of odd messages is what the walk names', async () => {
  let state = 20_261_121;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const changed = (body: Buffer): Buffer => {
    const bytes = [...body];
    for (let count = next(4); count > 0; count -= 1) {
      const at = next(3) === 0 ? bytes.length - next(12) : next(60);
      const byte = next(3) === 0 ? next(256) : ([0, 1, 10, 18, 26, 24, 128, 152, 130, 97][next(10)] ?? 0);
      const kind = next(3);
      bytes.splice(at, kind === 0 ? 0 : 1, ...(kind === 1 ? [] : [byte]));
    }
    const made = Buffer.from(bytes);
    if (made.length >= 5 && next(5) > 0) made.writeUInt32BE(made.length - 5, 1);
    return made;
  };
  const bodies = Array.from({ length: 5000 }, () => changed(usual[next(usual.length)] as Buffer));
  const named = await namedOf(bodies);
  assert.ok(named.length > 500 && named.length < 4500, `it is a mix: ${named.length}`);
  await namedOf(messageCases.filter(({ walk, body }) => walk === 'spec' && body.length > 0).map(({ body }) => body));
});
