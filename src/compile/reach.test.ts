import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecider } from '../decision/index.ts';
import { accessPlans, questions } from '../decision/testing/arbitraries.ts';
import type { AccessPlan } from '../plan/index.ts';
import type { Operation } from '../protocols/index.ts';
import { reachLines } from './reach.ts';

const seed = 20_261_121;

interface Told {
  readonly effect: string;
  readonly model: string;
  readonly actions: readonly string[];
  readonly versions: readonly string[] | undefined;
  readonly rule: string;
}

/** Whether the versions of a line take in that of a call. A deny that tells none is about everything. */
function tellsVersion({ effect, versions }: Told, { version, versionName }: Operation): boolean {
  const isNone = version === undefined || effect === 'deny';
  if (versions === undefined) return isNone;
  return (
    versions.includes('any') || versions.includes(versionName ?? (version === undefined ? 'none' : 'without a name'))
  );
}

/** A line of the lock, taken apart. */
function parts(line: string): Told {
  const [, effect = '', model = '', named = '', versions, rule = ''] =
    /^(allow|deny) (\S+) (\S+)(?: versions ([^:]+))?: .* by “([^”]+)”/.exec(line) ?? [];
  return { effect, model, actions: named.split(','), versions: versions?.split(','), rule };
}

test('whatever a rule decides stands in the lock: nothing is left out that could be reached', () => {
  let decided = 0;
  const property = fc.property(accessPlans, fc.array(questions, { minLength: 4, maxLength: 8 }), (access, asked) => {
    const lines = (reachLines(access, 100_000) ?? assert.fail('too long')).map(parts);
    const decider = createDecider(access);
    for (const { operation, identity, facts } of asked) {
      const { rule, outcome } = decider.decide(operation, identity, facts);
      if (rule === undefined) continue;
      decided += 1;
      const model = `${operation.service}/${operation.model}`;
      const isTold = lines.some(
        (line) =>
          line.effect === outcome &&
          line.model === model &&
          line.rule === rule.name &&
          tellsVersion(line, operation) &&
          (line.actions.includes('any') || line.actions.includes(operation.action)),
      );
      assert.ok(isTold, `${outcome} ${model} ${operation.action} by ${rule.name}`);
    }
  });
  fc.assert(property, { seed, numRuns: 1600 });
  assert.ok(decided > 1000, `${decided} were decided`);
});

const bare: AccessPlan = {
  environment: 'dev',
  identities: [],
  groups: [
    {
      name: 'apps',
      anyOf: [
        { allOf: [{ identity: 'staff', client: ['a', 'b'], group: ['x'] }] },
        { allOf: [{ identity: 'staff' }, { identity: 'staff', subject: ['s'] }] },
      ],
    },
  ],
  services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['one', 'two'] }],
  rules: [
    {
      ...{ index: 0, name: 'r', effect: 'allow', file: 'headgate.yaml', line: 1 },
      callers: { kind: 'groups', names: ['apps'] },
      actions: { kind: 'any' },
      resources: [{ service: 'scoring', segments: ['**'] }],
      ...{ unless: [], limits: [] },
    },
  ],
  reads: {},
};

test('each value of a caller is a line of its own, for each model that a pattern matches', () => {
  assert.deepEqual(reachLines(bare, 100), [
    'allow scoring/one any: staff any and staff subject "s" (apps) by “r”',
    'allow scoring/one any: staff group "x", client "a" (apps) by “r”',
    'allow scoring/one any: staff group "x", client "b" (apps) by “r”',
    'allow scoring/two any: staff any and staff subject "s" (apps) by “r”',
    'allow scoring/two any: staff group "x", client "a" (apps) by “r”',
    'allow scoring/two any: staff group "x", client "b" (apps) by “r”',
  ]);
});

/** Lines of one model under rules, without their callers. */
function versionLines(named: readonly string[], ...rules: Partial<AccessPlan['rules'][number]>[]): readonly string[] {
  const [rule] = bare.rules;
  const access: AccessPlan = {
    ...bare,
    services: [
      {
        ...{ name: 'scoring', protocol: 'tensorflow-serving', models: ['one'] },
        ...(named.length > 0 && { versions: { one: named.map((name, number) => ({ name, number })) } }),
      },
    ],
    rules: rules.map((changes, index) => {
      const anyone = { name: `r${index}`, index, callers: { kind: 'anyone' } } as const;
      return { ...(rule ?? assert.fail()), ...anyone, ...changes };
    }),
  };
  return (reachLines(access, 100) ?? []).map((line) => line.replace('scoring/one ', '').replace(': anyone by', ''));
}

test('versions stand in the lock by their names', () => {
  const both = ['stable', 'canary'];
  assert.deepEqual(versionLines([], {}), ['allow any “r0”']);
  assert.deepEqual(versionLines([], { versions: 'any' }), ['allow any versions any “r0”']);
  assert.deepEqual(versionLines([], {}, { versions: 'any' }), [
    'allow any versions without a name “r1”',
    'allow any “r0”',
  ]);
  assert.deepEqual(versionLines(both, {}), ['allow any versions stable,canary “r0”']);
  assert.deepEqual(versionLines(both, { versions: ['canary'] }, {}), [
    'allow any versions canary “r0”',
    'allow any versions stable “r1”',
  ]);
  assert.deepEqual(versionLines(both, { versions: 'any' }, {}), ['allow any versions any “r0”']);
  const oneAction = { kind: 'actions', names: ['predict'] } as const;
  assert.deepEqual(versionLines(both, { versions: ['canary'], actions: oneAction }, {}), [
    'allow any versions stable “r1”',
    'allow classify,regress,status,metadata,multi-inference versions canary “r1”',
    'allow predict versions canary “r0”',
  ]);
  assert.deepEqual(
    versionLines(both, { versions: 'any' }, { effect: 'deny', versions: ['canary'] }, { effect: 'deny' }),
    ['deny any versions canary “r1”', 'deny any “r2”'],
  );
});

test('who may do what to the service itself is told where a rule allows it', () => {
  const reload = { kind: 'actions', names: ['reload-config'] } as const;
  const rules = bare.rules.map((rule) => ({ ...rule, callers: { kind: 'anyone' }, actions: reload }) as const);
  assert.deepEqual(reachLines({ ...bare, rules }, 100), ['allow scoring reload-config: anyone by “r”']);
});

test('what is too much to list is none', () => {
  assert.equal(reachLines(bare, 5), undefined);
  const many = Array.from({ length: 1001 }, (_, index) => `c${index}`);
  const groups = [{ name: 'apps', anyOf: [{ allOf: [{ identity: 'staff', client: many }] }] }];
  const [line] = reachLines({ ...bare, groups }, 5) ?? [];
  assert.ok(line?.includes('staff client ["c0","c1",'), 'a caller with too many values is one line');
});

test('of a gRPC service the lock tells methods: those of its descriptors, else what the rules write', () => {
  const rule: AccessPlan['rules'][number] = {
    ...{ index: 0, name: 'a rule', file: 'headgate.yaml', line: 1, unless: [], limits: [] },
    effect: 'allow',
    callers: { kind: 'anyone' },
    actions: { kind: 'actions', names: ['call'] },
    resources: [{ service: 'orders', segments: ['acme.Orders', 'Get*'] }],
  };
  const deny: typeof rule = {
    ...rule,
    index: 1,
    name: 'a deny',
    effect: 'deny',
    resources: [{ service: 'orders', segments: ['**'] }],
  };
  const access = (service: Partial<AccessPlan['services'][number]>, ...rules: AccessPlan['rules']): AccessPlan => ({
    ...{ environment: 'dev', identities: [], groups: [], reads: {} },
    services: [{ name: 'orders', protocol: 'grpc', models: [], ...service }],
    rules,
  });
  assert.deepEqual(reachLines(access({}, rule), 10), ['allow orders/acme.Orders/Get* call: anyone by “a rule”']);
  const methods = { 'acme.Orders/Get': {}, 'acme.Orders/GetAll': {}, 'acme.Orders/Put': {} };
  assert.deepEqual(reachLines(access({ methods, hasDescriptors: true }, rule), 10), [
    'allow orders/acme.Orders/Get call: anyone by “a rule”',
    'allow orders/acme.Orders/GetAll call: anyone by “a rule”',
  ]);
  const denied = reachLines(access({}, rule, deny), 10);
  assert.deepEqual(denied, [
    'deny orders/** call: anyone by “a deny”',
    'deny orders/acme.Orders/Get* call: anyone by “a deny”',
  ]);
});
