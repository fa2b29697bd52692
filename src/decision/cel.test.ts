import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CelContext, checkCel, compileCel } from './cel.ts';

const nowMs = Date.UTC(2026, 6, 1, 20, 30);

function context(headers: Readonly<Record<string, string>> = {}): CelContext {
  return {
    request: {
      ...{ method: 'POST', path: '/v1/models/m:predict', host: 'scoring.example', address: '10.0.0.7' },
      ...{ time: new Date(nowMs), headers: new Map(Object.entries(headers)) },
    },
    caller: {
      known: true,
      subject: 's',
      issuer: 'https://id.example',
      identity: 'staff',
      groups: ['a', 'b'],
      client: '',
    },
    origin: { known: false, subject: '', issuer: '', identity: '', groups: [], client: '' },
    queue: { waiting: 3n, inFlight: 8n },
    resource: { service: 'scoring', model: 'm', version: '3' },
    action: 'predict',
    operation: 'predict',
    environment: 'dev',
  };
}

function holds(cel: string, headers?: Readonly<Record<string, string>>): boolean | string {
  const condition = compileCel(cel);
  if ('faults' in condition) return condition.faults.map(({ message }) => message).join('; ');
  try {
    return condition.holds(context(headers));
  } catch (error) {
    return `error: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
  }
}

const values: readonly (readonly [cel: string, value: boolean, headers?: Readonly<Record<string, string>>])[] = [
  ['request.method == "POST" && request.path.startsWith("/v1/")', true],
  ['request.host == "scoring.example" && request.address == "10.0.0.7"', true],
  ['request.headers["x-region"] == "eu"', true, { 'x-region': 'eu' }],
  ['"x-region" in request.headers', false],
  ['"x-region" in request.headers && request.headers["x-region"] == "eu"', false],
  ['caller.known && caller.subject == "s" && caller.issuer == "https://id.example"', true],
  ['caller.identity == "staff" && caller.client == ""', true],
  ['"a" in caller.groups && caller.groups.exists(g, g == "b") && !caller.groups.all(g, g == "b")', true],
  ['size(caller.groups) == 2 && caller.groups.exists_one(g, g.startsWith("a"))', true],
  ['resource.service == "scoring" && resource.model == "m" && int(resource.version) >= 3', true],
  ['action == "predict" && operation == "predict" && environment in ["dev", "staging"]', true],
  ['request.time > timestamp("2026-01-01T00:00:00Z")', true],
  ['request.time - timestamp("2026-07-01T00:00:00Z") < duration("21h")', true],
  ['request.time.getHours("Europe/Zurich") == 22 && request.time.getHours() == 20', true],
  ['request.time.getDayOfYear() == 181', true],
  ['request.headers["x-name"].lowerAscii() == "k"', false, { 'x-name': '\u212a' }],
  ['request.headers["x-name"].lowerAscii() == "abc" || caller.known && false', true, { 'x-name': 'aBc' }],
];

for (const [cel, value, headers] of values) {
  test(`${cel} is ${value}`, () => assert.equal(holds(cel, headers), value));
}

test('an error at run time is an error, never a value', () => {
  assert.match(`${holds('request.headers["x-absent"] == ""')}`, /^error: .*No such key/);
  for (const text of ['', ' 5', '0x10', '5e3', '9'.repeat(19)]) {
    assert.match(`${holds('int(request.headers["x-n"]) > 3', { 'x-n': text })}`, /^error: /, JSON.stringify(text));
  }
});

test('a time zone does not go through the zone of the machine', () => {
  const before = process.env.TZ;
  // In New York no clock showed 02:30 on that day; in Zurich it did.
  process.env.TZ = 'America/New_York';
  const time = new Date(Date.UTC(2026, 2, 8, 1, 30));
  const condition = compileCel('request.time.getHours("Europe/Zurich") == 2 && request.time.getDayOfYear() == 66');
  assert.ok('holds' in condition);
  assert.equal(condition.holds({ ...context(), request: { time } }), true);
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

test('what a condition reads is known before it runs', () => {
  assert.deepEqual(checkCel('request.headers["x-b"] == "1" || "x-a" in request.headers'), {
    reads: { headers: ['x-a', 'x-b'], address: false, time: false },
  });
  assert.deepEqual(checkCel('caller.groups.exists(g, g == request.headers["x-team"])'), {
    reads: { headers: ['x-team'], address: false, time: false },
  });
  assert.deepEqual(checkCel('request.address == "::1" || request.time.getMinutes() == 0'), {
    reads: { headers: [], address: true, time: true },
  });
  assert.deepEqual(checkCel('caller.known && request.path == "/"'), {
    reads: { headers: [], address: false, time: false },
  });
});

/** Condition with the faulty part between « and ». */
const faults: readonly (readonly [marked: string, message: RegExp])[] = [
  ['«requst».path == ""', /unknown name requst/],
  ['«request.paht» == ""', /request has no field paht/],
  ['«request» == request', /request is read by its fields/],
  ['«request.headers» == request.headers', /one at a time/],
  ['size(«request.headers») > 3', /one at a time/],
  ['«request.headers».exists(h, h == "x")', /one at a time/],
  ['request.headers[«"X-Region"»] == "eu"', /lower case/],
  ['request.headers[«action»] == "eu"', /written out/],
  ['request.headers[«"x-" + action»] == "eu"', /written out/],
  ['«action» in request.headers', /written out/],
  ['request.headers[«"x region"»] == ""', /not the name of a header/],
  ['request.headers[«"authorization"»] == ""', /does not read credentials/],
  ['request.headers[«"cookie"»] == ""', /does not read credentials/],
  ['request.headers[«"host"»] == ""', /not read as a header/],
  ['request.headers[«"connection"»] == ""', /belongs to the connection/],
  ['request.headers[«"x-headgate-subject"»] == ""', /removed from what comes in/],
  ['request.headers[«"x_headgate_subject"»] == ""', /removed from what comes in/],
  ['request.headers[«"x-forwarded-for"»] == "10.0.0.1"', /whatever the caller writes/],
  ['request.headers[«"forwarded"»] == ""', /whatever the caller writes/],
  ['«request.headers.region» == ""', /in brackets/],
  ['«has(request.headers.region)»', /asked with in/],
  ['«action.matches("a.*")»', /regular expressions/],
  ['«has(caller.subject)»', /unknown function has/],
  ['«caller.headers»["x"] == ""', /caller has no field headers/],
  ['caller.groups.exists(«action», true)', /has a meaning already/],
  ['request.time > «timestamp(3)»', /written out \(RFC 3339\)/],
  ['«dyn(action)» == ""', /unknown function dyn/],
  ['«type(action)» == string', /unknown function type/],
  ['«cel.bind(r, request, r.path == "")»', /unknown method bind/],
  ['caller.groups.exists(g, «caller.groups.exists(h, h == g)»)', /must not stand inside another/],
  ['caller.groups.exists(«request», true)', /has a meaning already/],
  ['«caller.groups.map(g, g)» == []', /unknown method map/],
  ['request.time.getHours(«"Europe/Zurrich"») < 6', /unknown time zone/],
  ['request.time.getHours(«action») < 6', /time zone is written out/],
  ['request.time > «timestamp(request.path)»', /written out \(RFC 3339\)/],
  ['request.time > «timestamp("January 1, 2024 00:00:00")»', /written out \(RFC 3339\)/],
  ['request.time - request.time < «duration(action)»', /duration is written out/],
  ['«action == 3»', /no such overload: string == int/],
  ['«int(3)» == 3 && caller.known', /int\(int\)/],
  ['«size(action)»', /true or false, this one is of type int/],
  ['«1 == 1»', /reads nothing of the call/],
];

for (const [marked, message] of faults) {
  test(`${marked} is a fault there`, () => {
    const text = marked.replace('«', '').replace('»', '');
    const checked = checkCel(text);
    assert.ok('faults' in checked, 'it is let through');
    const [fault] = checked.faults;
    assert.match(fault?.message ?? '', message);
    const place = `${text.slice(0, fault?.start)}«${text.slice(fault?.start, fault?.end)}»${text.slice(fault?.end)}`;
    assert.equal(place, marked);
  });
}

test('all mistakes of the vocabulary are told at once', () => {
  const checked = checkCel('requst.path == "" && request.headers["X"] == actoin');
  assert.ok('faults' in checked);
  assert.deepEqual(
    checked.faults.map(({ unknown }) => unknown?.written),
    ['requst', undefined, 'actoin'],
  );
});

test('text that is no CEL is a fault inside the text', () => {
  for (const text of ['', '(', 'request.', '"open', 'a b', '?', '\0', '{', '[1,', 'request.headers["x"']) {
    const checked = checkCel(text);
    assert.ok('faults' in checked, JSON.stringify(text));
    for (const { start, end } of checked.faults) assert.ok(start >= 0 && start <= end && end <= text.length);
  }
});

test('length, size and depth are bounded', () => {
  const long = `request.path == "${'x'.repeat(2100)}"`;
  const wide = Array.from({ length: 100 }, () => 'caller.known').join(' && ');
  const deep = `${'('.repeat(40)}caller.known${')'.repeat(40)}`;
  assert.match(faultOf(long), /at most 2048 characters/);
  assert.match(faultOf(wide), /CEL: .*(nodes|maxAstNodes)/i);
  assert.match(faultOf(deep), /CEL: .*(depth|maxDepth)/i);
});

function faultOf(text: string): string {
  const checked = checkCel(text);
  return 'faults' in checked ? (checked.faults[0]?.message ?? '') : 'let through';
}

test('whatever is written, checking ends, and a fault lies inside the text', () => {
  const words = [
    ...[
      'request',
      '.',
      'headers',
      '[',
      ']',
      '"x-a"',
      'caller',
      'groups',
      'exists',
      '(',
      ')',
      'g',
      ',',
      '==',
      '&&',
      '!',
    ],
    ...[
      '1',
      'time',
      'getHours',
      '"UTC"',
      'in',
      '{',
      '}',
      ':',
      '?',
      '-',
      'timestamp',
      'int',
      '\n',
      "'",
      '\\',
      '#',
      '\u{1f600}',
    ],
  ];
  const texts = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(' '));
  const property = fc.property(texts, (text) => {
    const checked = checkCel(text);
    if ('reads' in checked) return;
    assert.ok(checked.faults.length > 0);
    for (const { start, end } of checked.faults) assert.ok(start >= 0 && start <= end && end <= text.length);
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 5000 });
});
