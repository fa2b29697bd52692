import type { Checked } from '../diagnostics/types.ts';
import type { Cursor } from './cursor.ts';
import { parseFile } from './parse-file.ts';
import { type TestFile, testFileSchema } from './schema/test-file.ts';
import type { Expectation, PolicyTest, PolicyTests, TestCaller } from './test-file.ts';
import type { Located } from './types.ts';

type Test = TestFile['tests'][number];
type Who = Exclude<Test['who'], string>;
type Expect = Exclude<Test['expect'], string>;

/** Text of `headgate.test.yaml` → tests. Every mistake of form is in the diagnostics; what names mean is found out later. */
export function parseTests(text: string, file: string): Checked<PolicyTests> {
  return parseFile({ text, file, schema: testFileSchema, kind: 'tests' }, (root: Cursor<TestFile>) => ({
    file,
    tests: root.need('tests').many().map(test),
  }));
}

function test(cursor: Cursor<Test>): PolicyTest {
  const via = cursor.at('via')?.located();
  const [version, label] = [cursor.at('version')?.located(), cursor.at('label')?.located()];
  const address = cursor.at('address')?.located().value;
  const time = cursor.at('time')?.located().value;
  const queue = cursor.at('queue');
  const who = cursor.need('who');
  const origin = cursor.at('for');
  return {
    span: cursor.span,
    name: cursor.need('name').located(),
    who: who.isMap ? caller(who as Cursor<Who>) : 'anonymous',
    ...(origin && { origin: caller(origin) }),
    to: names(cursor.need('to')),
    at: names(cursor.need('at')),
    in: names(cursor.need('in')),
    ...(version && { version }),
    ...(label && { label }),
    ...(via && { via }),
    headers: headers(cursor.at('headers')),
    ...(address !== undefined && { address }),
    ...(time !== undefined && { timeMs: Date.parse(time) }),
    ...(queue && { queue: queueOf(queue) }),
    expect: expectation(cursor.need('expect')),
  };
}

function queueOf(cursor: Cursor<NonNullable<Test['queue']>>): NonNullable<PolicyTest['queue']> {
  return { waiting: cursor.need('waiting').located().value, inFlight: cursor.need('inFlight').located().value };
}

function names(cursor: Cursor<string | string[]>): readonly Located<string>[] {
  return cursor.many().map((each) => each.located());
}

function caller(cursor: Cursor<Who>): TestCaller {
  const [entry] = cursor.entries();
  if (entry === undefined) throw new TypeError('the schema let an empty caller pass');
  const { name, value } = entry;
  const subject = value.at('subject')?.located();
  const client = value.at('client')?.located();
  const keyName = value.at('name')?.located();
  const groups = value.at('groups');
  return {
    identity: name,
    ...(subject && { subject }),
    ...(client && { client }),
    ...(keyName && { keyName }),
    groups: groups === undefined ? [] : names(groups),
  };
}

function headers(cursor: Cursor<Readonly<Record<string, string>>> | undefined): ReadonlyMap<string, string> {
  const entries = cursor?.entries() ?? [];
  return new Map(entries.map(({ name, value }) => [name.value.toLowerCase(), value.located().value]));
}

function expectation(cursor: Cursor<Test['expect']>): Expectation {
  if (!cursor.isMap) return { kind: 'denied' };
  const map = cursor as Cursor<Expect>;
  const version = map.at('version')?.located();
  const which = version && { version };
  const allowedBy = map.at('allowedBy')?.located();
  if (allowedBy !== undefined) return { kind: 'allowed', rule: allowedBy, ...which };
  const deniedBy = map.at('deniedBy')?.located();
  if (deniedBy !== undefined) return { kind: 'denied-by', rule: deniedBy, ...which };
  return { kind: 'denied', reason: map.need('denied').located().value, ...which };
}
