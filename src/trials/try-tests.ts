import { createDecider, createVersions, type Decider, type Versions } from '../decision/index.ts';
import { type Checked, Report } from '../diagnostics/index.ts';
import type { Identity } from '../identity/types.ts';
import { issuersOf, type Plan } from '../plan/index.ts';
import type { Environment, Expectation, Policy, PolicyTest, PolicyTests, TestCaller } from '../policy/index.ts';
import { type AskedCall, callOf } from './call-of.ts';
import { checkTestNames } from './check-names.ts';
import { compilePlans } from './plans.ts';
import type { TestRun, TriedCase, TriedTest } from './types.ts';

export interface TrialInput {
  readonly policy: Policy;
  readonly tests: PolicyTests;
  /** Environments that have a file, by name. Others that rules name get bindings that stand in. */
  readonly environments: ReadonlyMap<string, Environment>;
}

/** Puts every case of every test to the decider, or says what is wrong with the files. Reads no secret, dials nothing. */
export function tryTests({ policy, tests, environments }: TrialInput): Checked<TestRun> {
  const report = new Report();
  const plans = compilePlans({ policy, tests }, environments, report);
  checkTestNames(tests, { policy, plans, filed: new Set(environments.keys()), report });
  return report.checked(() => {
    const deciders = new Map([...plans].map(([name, plan]) => [name, decidesFor(plan)]));
    const tried = tests.tests.map((test) => tryTest(test, deciders));
    const rules = policy.rules.map(({ name, span }) => ({ name: name.value, file: span.file, line: span.line }));
    return { file: tests.file, tests: tried, rules };
  });
}

interface Decides {
  readonly plan: Plan;
  readonly decider: Decider;
  readonly versions: Versions;
}

function decidesFor(plan: Plan): Decides {
  return { plan, decider: createDecider(plan.access), versions: createVersions(plan.access.services) };
}

function tryTest(test: PolicyTest, deciders: ReadonlyMap<string, Decides>): TriedTest {
  const cases: TriedCase[] = [];
  for (const { value: environment } of test.in) {
    const decides = deciders.get(environment);
    if (decides === undefined) throw new TypeError(`no plan for environment ${environment}`);
    for (const { value: at } of test.at) {
      for (const { value: action } of test.to) cases.push(...tryCases(test, { environment, at, action }, decides));
    }
  }
  return { test, cases, passed: cases.every(({ passed }) => passed) };
}

type Asked = AskedCall & Pick<TriedCase, 'environment'>;

/** One case, or one for each version that callers such as this one get. */
function tryCases(test: PolicyTest, asked: Asked, { plan, decider, versions }: Decides): readonly TriedCase[] {
  const { operation, facts } = callOf(test, asked, plan);
  const identity = test.who === 'anonymous' ? undefined : identityOf(test.who, plan, facts.nowMs);
  return versions.possible(operation, identity !== undefined).map((resolved) => {
    const { version, versionName } = resolved ?? {};
    const which = { ...(version !== undefined && { version }), ...(versionName !== undefined && { versionName }) };
    const decision = resolved === undefined ? unknownVersion : decider.decide(resolved, identity, facts);
    const needsTime = decision.readsTime && test.timeMs === undefined;
    const needsQueue = decision.readsQueue && test.queue === undefined;
    const { outcome, reason, rule } = decision;
    const came = { outcome, reason, ...(rule && { rule }), ...which };
    const passed = !needsTime && !needsQueue && isExpected(test.expect, came);
    const explained = passed || resolved === undefined ? [] : decider.explain(resolved, identity, facts).rules;
    return { ...asked, expected: test.expect, ...came, passed, needsTime, needsQueue, explained };
  });
}

/** No rule is asked. */
const unknownVersion = {
  outcome: 'deny',
  reason: 'version-unknown',
  rule: undefined,
  readsTime: false,
  readsQueue: false,
} as const;

type Came = Pick<TriedCase, 'outcome' | 'reason' | 'rule' | 'version' | 'versionName'>;

function isExpected(expected: Expectation, { outcome, reason, rule, version, versionName }: Came): boolean {
  const which = expected.version?.value;
  if (which !== undefined && which !== versionName && String(which) !== version) return false;
  if (expected.kind === 'allowed') return outcome === 'allow' && rule?.name === expected.rule.value;
  if (outcome !== 'deny') return false;
  if (expected.kind === 'denied-by') return rule?.name === expected.rule.value;
  return expected.reason === undefined || expected.reason === reason;
}

/** How long the credential that a test imagines is good for. */
const lifetimeMs = 3_600_000;

function identityOf({ identity, subject, client, keyName, groups }: TestCaller, plan: Plan, nowMs: number): Identity {
  const known = plan.access.identities.find(({ name }) => name === identity.value);
  const machine = client ?? keyName;
  return {
    provider: identity.value,
    kind: known?.kind === 'apiKeys' ? 'apiKey' : 'oidc',
    issuer: issuersOf(known)[0] ?? '',
    subject: (subject ?? machine)?.value ?? '',
    id: 'tested',
    groups: [...new Set(groups.map(({ value }) => value))].sort(),
    ...(machine && { client: machine.value }),
    expiresAtMs: nowMs + lifetimeMs,
  };
}
