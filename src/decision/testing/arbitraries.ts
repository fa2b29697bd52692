import fc from 'fast-check';
import type { Identity } from '../../identity/types.ts';
import type {
  AccessPlan,
  CallerTermPlan,
  ConditionPlan,
  LimitPlan,
  RulePlan,
  VersionPlan,
  WindowPlan,
} from '../../plan/types.ts';
import type { Operation } from '../../protocols/types.ts';
import { checkCel } from '../cel.ts';
import type { Question, Truth } from './naive-decide.ts';

/** Conditions that rules draw from, each with what it comes to. */
const truths: Readonly<Record<string, (question: Question) => boolean | 'error'>> = {
  'request.headers["x-a"] == "1"': ({ facts }) =>
    facts.header('x-a') === undefined ? 'error' : facts.header('x-a') === '1',
  '"x-b" in request.headers': ({ facts }) => facts.header('x-b') !== undefined,
  'caller.known': ({ identity }) => identity !== undefined,
  'caller.client == "c1"': ({ identity }) => identity?.client === 'c1',
  'request.time.getHours("Asia/Tokyo") < 12': ({ facts }) => new Date(facts.nowMs + 9 * 3_600_000).getUTCHours() < 12,
  'caller.groups.exists(g, g == "x")': ({ identity }) => identity?.groups.includes('x') === true,
  'int(resource.version) > 1': ({ operation }) =>
    operation.version === undefined ? 'error' : Number(operation.version) > 1,
};

/** What the conditions of `accessPlans` come to. */
export const truth: Truth = (cel, question) => {
  const known = truths[cel];
  if (known === undefined) throw new Error(`no truth is stated for ${cel}`);
  return known(question);
};

const some = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });

const conditions: fc.Arbitrary<ConditionPlan> = fc.constantFrom(...Object.keys(truths)).map((cel) => {
  const checked = checkCel(cel);
  if ('faults' in checked) throw new Error(checked.faults[0]?.message);
  return { cel, reads: checked.reads };
});

const versionNames = ['stable', 'canary'];
/** Numbers 1 and 2 have names, of two models. */
const versions: Readonly<Record<string, readonly VersionPlan[]>> = {
  alpha: [
    { name: 'stable', number: 1 },
    { name: 'canary', number: 2, sharePpm: 100_000 },
  ],
  beta: [{ name: 'stable', number: 2 }],
};

const models = ['alpha', 'alpine', 'beta', 'b.t+a'];
const groupNames = ['red', 'green', 'blue'];
const actions = ['predict', 'status', 'metadata'];

const terms: fc.Arbitrary<CallerTermPlan> = fc.record(
  {
    identity: fc.constantFrom('staff', 'cluster'),
    subject: some(['s1', 's2']),
    group: some(['x', 'y', 'z']),
    client: some(['c1', 'c2']),
  },
  { requiredKeys: ['identity'] },
);

const ways = fc.array(terms, { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf }));

/** Open half of the time, so that each comes to both. */
const windows: fc.Arbitrary<WindowPlan> = fc
  .record({
    days: fc.constantFrom<WindowPlan['days'][]>([0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5], [0, 6]),
    fromMinute: fc.constantFrom(0, 360, 1320),
    toMinute: fc.constantFrom(480, 1080, 1440),
    zone: fc.constantFrom('UTC', 'Asia/Tokyo'),
  })
  .map((drawn) => ({ ...drawn }));

const typed = {
  via: some(['public', 'internal']),
  from: some(['10.0.0.0/8', '10.1.0.0/16', '127.0.0.1/32', '2001:db8:0:0:0:0:0:0/32', '0.0.0.0/0']),
  during: fc.uniqueArray(windows, { minLength: 1, maxLength: 2, selector: (window) => JSON.stringify(window) }),
  when: conditions,
};

const unless = fc
  .record({ groups: some(groupNames), ...typed }, { requiredKeys: [] })
  .filter((part) => Object.keys(part).length > 0);

const limits: fc.Arbitrary<LimitPlan> = fc.record({
  count: fc.integer({ min: 1, max: 100 }),
  periodMs: fc.constantFrom(1000, 60_000),
  burst: fc.integer({ min: 1, max: 100 }),
  per: fc.constantFrom('caller', 'rule'),
});

const rules: fc.Arbitrary<RulePlan> = fc
  .record(
    {
      effect: fc.constantFrom('allow', 'allow', 'deny'),
      callers: fc.oneof(
        fc.constant({ kind: 'anyone' } as const),
        some(groupNames).map((names) => ({ kind: 'groups', names }) as const),
      ),
      actions: fc.oneof(
        fc.constant({ kind: 'any' } as const),
        some(actions).map((names) => ({ kind: 'actions', names }) as const),
      ),
      resources: some([
        'one/**',
        'one/*',
        'one/alpha',
        'one/al*',
        'one/*a',
        'one/b*a',
        'one/b.t+a',
        'two/**',
        'two/beta',
      ]),
      versions: fc.oneof(fc.constant('any' as const), some(versionNames)),
      ...typed,
      /** Most rules have none of the typed conditions, or hardly one would match. */
      plain: fc.constantFrom(true, true, false),
      unless: fc.array(unless, { maxLength: 2 }),
      limits: fc.array(limits, { maxLength: 2 }),
    },
    { requiredKeys: ['effect', 'callers', 'actions', 'resources', 'plain', 'unless', 'limits'] },
  )
  .map(({ resources, plain, versions: about, via, from, during, ...rule }) => ({
    ...rule,
    ...(!plain && about && { versions: aboutSome(about, resources) }),
    ...(!plain && { ...(via && { via }), ...(from && { from }), ...(during && { during }) }),
    ...{ index: 0, name: '', file: 'headgate.yaml', line: 1 },
    effect: rule.effect as RulePlan['effect'],
    resources: resources.map((text) => ({ service: text.slice(0, 3), segments: text.slice(4).split('/') })),
    unless: rule.effect === 'deny' ? rule.unless : [],
    limits: rule.effect === 'allow' ? rule.limits : [],
  }));

/** Service `two` has no versions: a rule about it alone can name none. */
function aboutSome(about: 'any' | readonly string[], resources: readonly string[]): 'any' | readonly string[] {
  return resources.some((text) => /^one\/(\*|al|beta)/.test(text)) ? about : 'any';
}

/** Small access plans in which rules meet often. */
export const accessPlans: fc.Arbitrary<AccessPlan> = fc
  .record({
    ways: fc.tuple(...groupNames.map(() => fc.array(ways, { minLength: 1, maxLength: 3 }))),
    rules: fc.array(rules, { maxLength: 10 }),
  })
  .map(({ ways: anyOfs, rules: drawn }) => ({
    environment: 'test',
    identities: [],
    groups: groupNames.map((name, index) => ({ name, anyOf: anyOfs[index] ?? [] })),
    services: ['one', 'two'].map((name) => ({
      ...{ name, protocol: 'tensorflow-serving', models },
      ...(name === 'one' && { versions }),
    })),
    rules: drawn.map((rule, index) => ({ ...rule, index, name: `r${index}`, line: index + 1 })),
    reads: {},
  }));

const identities: fc.Arbitrary<Identity> = fc
  .record(
    {
      provider: fc.constantFrom('staff', 'cluster'),
      subject: fc.constantFrom('s1', 's2', 's3'),
      groups: fc.uniqueArray(fc.constantFrom('x', 'y', 'z', 'w')).map((groups) => groups.toSorted()),
      client: fc.constantFrom('c1', 'c2', 'c3'),
    },
    { requiredKeys: ['provider', 'subject', 'groups'] },
  )
  .map((drawn) => ({ ...drawn, kind: 'oidc', issuer: 'https://id.example', id: drawn.subject, expiresAtMs: 0 }));

/** As it comes to the decider: of a model with versions a call has one. */
function versionOf(drawn: Partial<Record<'service' | 'model' | 'version', string>>): Partial<Operation> {
  const list = drawn.service === 'one' ? versions[drawn.model ?? ''] : undefined;
  const version = drawn.version ?? (list && String(list[0]?.number));
  const named = list?.find(({ number }) => String(number) === version);
  return { ...(version !== undefined && { version }), ...(named && { versionName: named.name }) };
}

const operations: fc.Arbitrary<Operation> = fc
  .record(
    {
      service: fc.constantFrom('one', 'two'),
      action: fc.constantFrom(...actions),
      model: fc.constantFrom(...models, 'gamma'),
      version: fc.constantFrom('1', '2', '3'),
    },
    { requiredKeys: ['service', 'action', 'model'] },
  )
  .map((drawn) => ({
    ...drawn,
    ...versionOf(drawn),
    protocol: 'tensorflow-serving',
    name: drawn.action,
    resource: [drawn.model],
    safe: true,
  }));

/** Questions that fit `accessPlans`. */
export const questions: fc.Arbitrary<Question> = fc
  .record({
    operation: operations,
    identity: fc.option(identities, { nil: undefined, freq: 4 }),
    headers: fc.dictionary(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('1', '2')),
    hour: fc.integer({ min: 0, max: 167 }),
    listener: fc.constantFrom('public', 'internal'),
    address: fc.constantFrom(
      '127.0.0.1',
      '10.1.2.3',
      '10.2.0.1',
      '2001:db8::1',
      '::1',
      '::ffff:10.1.0.1',
      'no address',
    ),
  })
  .map(({ operation, identity, headers, hour, listener, address }) => ({
    operation,
    identity,
    facts: {
      ...{ listener, method: 'POST', path: '/v1', host: 'localhost', address, nowMs: Date.UTC(2026, 0, 1, hour) },
      header: (name: string) => headers[name],
    },
  }));
