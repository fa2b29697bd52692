import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DenialReason, denials, grpcAnswer, grpcFault, statusDetailsHeader } from '../../gate/index.ts';
import { chosenVersionBytes, MessageWalk, type WalkKind } from '../../wire/index.ts';
import { bytesField, bytesMaxOfCases, frame, messageCases } from '../../wire/testing/message-cases.ts';
import { luaFiles, luaNames } from './lua.ts';

interface Asked {
  readonly walk: WalkKind;
  readonly body: Buffer;
}

/** HAProxy's own Lua, run while it checks a configuration: an answer for each line. */
function inHaproxy(script: string, lines: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hg-lua-'));
  try {
    const files = { ...luaFiles(), 'test.lua': script, input: `${lines.join('\n')}\n` };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const loads = [...luaNames, 'test.lua'].map((name) => `  lua-load ${join(folder, name)}\n`).join('');
    writeFileSync(join(folder, 'test.cfg'), `global\n  setenv HEADGATE_BODY_BYTES_MAX ${bytesMaxOfCases}\n${loads}`);
    const environment = { ...process.env, INPUT: join(folder, 'input') };
    // It goes on to say that there is nothing to serve.
    const { stdout: said } = spawnSync('haproxy', ['-q', '-c', '-f', join(folder, 'test.cfg')], { env: environment });
    return said.toString('latin1').split('\n').slice(0, lines.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const unhex = `local function unhex(text) return (text:gsub('..', function(two) return string.char(tonumber(two, 16)) end)) end\n`;
const walkScript = `${unhex}
for line in io.lines(os.getenv('INPUT')) do
  local walk, body = line:match('^(%a+) (%x*)$')
  io.write(headgate.named(unhex(body), walk, true), '\\n')
end`;

function walkInLua(asked: readonly Asked[]): string[] {
  return inHaproxy(
    walkScript,
    asked.map(({ walk, body }) => `${walk} ${body.toString('hex')}`),
  );
}

/** What the fetch has to answer, as wire/ walks the message. */
function expected({ walk, body }: Asked): string {
  const walked = new MessageWalk(walk, bytesMaxOfCases);
  if (!walked.push(body) || !walked.end()) return `~${walked.fault?.reason}`;
  const { model, version, label } = walked.named;
  const choice = version !== undefined ? `v${version}` : label !== undefined ? `l${label}` : '-';
  return walk === 'none' ? 'n' : `${walk === 'spec' ? 's' : 't'} ${model} ${choice}`;
}

test('the walk in Lua answers every case as its table says, and as wire/ does', () => {
  const answers = walkInLua(messageCases);
  for (const [at, each] of messageCases.entries()) {
    const { name, walk, expect } = each;
    assert.equal(answers[at], expected(each), name);
    if ('refused' in expect) assert.equal(answers[at], `~${expect.refused}`, name);
    else if (walk !== 'none') assert.equal(answers[at]?.split(' ')[1], expect.model, name);
  }
});

/** A generator of numbers, the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A case with a few bytes changed, taken out or put in, its frame's length right again more often than not. */
function mutated(next: (below: number) => number): Asked {
  const { walk, body } = messageCases[next(messageCases.length)] as (typeof messageCases)[0];
  const bytes = [...body.subarray(0, 400)];
  for (let count = next(4); count >= 0; count -= 1) {
    const at = next(bytes.length + 1);
    const kind = next(3);
    const byte = next(3) === 0 ? next(256) : ([0, 1, 8, 10, 18, 128, 130, 255][next(8)] ?? 0);
    bytes.splice(at, kind === 0 ? 0 : 1, ...(kind === 1 ? [] : [byte]));
  }
  const changed = Buffer.from(bytes);
  if (changed.length >= 5 && next(5) > 0) changed.writeUInt32BE(changed.length - 5, 1);
  return { walk, body: changed };
}

test('both walks answer twenty thousand odd messages alike', () => {
  const next = numbers(20_261_121);
  const asked = Array.from({ length: 20_000 }, () => mutated(next));
  const answers = walkInLua(asked);
  const wanted = asked.map(expected);
  for (const [at, each] of asked.entries())
    assert.equal(answers[at], wanted[at], `${each.walk} ${each.body.toString('hex')}`);
  const refusals = new Set(wanted.filter((answer) => answer.startsWith('~')));
  assert.ok(refusals.size >= 3 && wanted.some((answer) => !answer.startsWith('~')), 'it is a mix');
});

test('a chosen version is written in the same bytes', () => {
  const specs = [
    [bytesField(1, 'm')],
    [bytesField(2, Buffer.of(8, 3)), bytesField(1, 'm'), bytesField(3, 'serve')],
    [bytesField(4, 'stable'), bytesField(1, 'm'), Buffer.of(0x80, 1, 5), bytesField(20, 'x')],
  ].map((fields) => Buffer.concat(fields));
  const versions = ['0', '7', '128', '9223372036854775807'];
  const asked = specs.flatMap((spec) => versions.map((version) => ({ spec, version })));
  const script = `${unhex}
for line in io.lines(os.getenv('INPUT')) do
  local version, body = line:match('^(%d+) (%x+)$')
  io.write((headgate.chosen_version(unhex(body), version):gsub('.', function(c) return ('%02x'):format(c:byte()) end)), '\\n')
end`;
  const answers = inHaproxy(
    script,
    asked.map(({ spec, version }) => `${version} ${frame(bytesField(2, 'x'), bytesField(1, spec)).toString('hex')}`),
  );
  assert.deepEqual(
    answers,
    asked.map(({ spec, version }) => chosenVersionBytes(spec, version).toString('hex')),
  );
});

test('details of refusals are written in the same bytes', () => {
  const ids = ['worker.1-1', `worker.12-${'9'.repeat(20)}`];
  const reasons = Object.keys(denials) as DenialReason[];
  const asked = ids.flatMap((id) => reasons.map((reason) => ({ id, reason, retryAfterSeconds: undefined })));
  const limited = { id: 'worker.1-3', reason: 'limit-exceeded', retryAfterSeconds: 86_400 } as const;
  const script = `for line in io.lines(os.getenv('INPUT')) do
  local text, reason = line:match('^(%S+) (%S+)$')
  io.write((headgate.details(text, reason):gsub('.', function(c) return ('%02x'):format(c:byte()) end)), '\\n')
end`;
  const answers = inHaproxy(script, [
    ...asked.map(({ id, reason }) => `${id} ${reason}`),
    'worker.1-3;86400 limit-exceeded',
  ]);
  const wanted = [...asked, limited].map(({ id, reason, retryAfterSeconds }) => {
    const { headers } = grpcAnswer(reason, id, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    return Buffer.from(new Map(headers).get(statusDetailsHeader) ?? '', 'base64').toString('hex');
  });
  assert.deepEqual(answers, wanted);
});

test('details of what a service has done are written in the same bytes', () => {
  const script = `for line in io.lines(os.getenv('INPUT')) do
  local code, text = line:match('^(%d+) (.*)$')
  io.write((headgate.fault_details(text, code):gsub('.', function(c) return ('%02x'):format(c:byte()) end)), '\\n')
end`;
  const asked = ['The service answered with HTTP status 503', 'The service answered with something that is no gRPC'];
  const answers = inHaproxy(
    script,
    asked.map((sentence) => `14 worker.1-77;${sentence}`),
  );
  const wanted = asked.map((sentence) =>
    Buffer.from(grpcFault(14, sentence, 'worker.1-77')[5] ?? '', 'base64').toString('hex'),
  );
  assert.deepEqual(answers, wanted);
});
