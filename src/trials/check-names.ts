import { nameHint, nearestName, type Report } from '../diagnostics/index.ts';
import type { AccessPlan, Plan, ServicePlan } from '../plan/index.ts';
import type { Located, Policy, PolicyTest, PolicyTests, TestCaller } from '../policy/index.ts';
import { knownActions, methodOfPath } from '../protocols/index.ts';

/** Most cases of one test. */
export const casesMax = 1000;

interface Known {
  readonly policy: Policy;
  readonly plans: ReadonlyMap<string, Plan>;
  /** Environments that have a file. */
  readonly filed: ReadonlySet<string>;
  /** Identities, groups, services are the same in every environment. */
  readonly access: AccessPlan;
  readonly report: Report;
}

/** Holds every name of the tests against what the policy declares. */
export function checkTestNames(tests: PolicyTests, known: Omit<Known, 'access'>): void {
  const [first] = known.plans.values();
  if (first === undefined) return;
  const all = { ...known, access: first.access };
  for (const test of tests.tests) {
    if (test.who !== 'anonymous') checkCaller(test.who, all);
    for (const at of test.at) checkResource(at, test, all);
    checkListener(test, all);
    checkRule(test, all);
    checkVersions(test, all);
    const cases = test.to.length * test.at.length * test.in.length;
    const message = `this test has ${cases} cases`;
    const hint = `at most ${casesMax}: split it`;
    if (cases > casesMax) known.report.add('HG1416', message, { span: test.name.span, hint });
  }
}

function checkCaller({ identity, subject, client, keyName, groups }: TestCaller, { access, report }: Known): void {
  const identities = access.identities.map(({ name }) => name);
  if (!identities.includes(identity.value)) {
    const hint = nameHint(identity.value, identities);
    report.add('HG2001', `unknown identity \`${identity.value}\``, { span: identity.span, hint });
  }
  const isOfKeys = access.identities.find(({ name }) => name === identity.value)?.kind === 'apiKeys';
  const strange = isOfKeys ? (subject ?? client ?? groups[0]) : keyName;
  if (strange !== undefined) {
    const message = isOfKeys
      ? `\`${identity.value}\` is of API keys, which have a name and nothing else`
      : `\`${identity.value}\` is not of API keys`;
    const hint = isOfKeys ? 'write `{ name: batch-scorer }`' : 'write `subject` or `client`';
    report.add('HG2024', message, { span: strange.span, hint });
  }
  const terms = access.groups.flatMap(({ anyOf }) => anyOf.flatMap(({ allOf }) => allOf));
  for (const group of groups)
    warnNear(group, { what: 'group', known: terms.flatMap((term) => term.group ?? []), report });
  if (client !== undefined)
    warnNear(client, { what: 'client', known: terms.flatMap((term) => term.client ?? []), report });
  if (keyName !== undefined) {
    const own = terms.filter((term) => term.identity === identity.value);
    warnNear(keyName, { what: 'API key', known: own.flatMap((term) => term.subject ?? []), report });
  }
}

/** Any group and client may stand in a token: only what is nearly one of the policy's is doubtful. */
function warnNear(
  { value, span }: Located<string>,
  { what, known, report }: { readonly what: string; readonly known: readonly string[]; readonly report: Report },
): void {
  if (known.includes(value)) return;
  const near = nearestName(value, known);
  if (near === undefined) return;
  const message = `no group of the policy reads ${what} \`${value}\``;
  report.add('HG1415', message, { span, hint: `did you mean \`${near}\`?`, severity: 'warning' });
}

function checkResource(at: Located<string>, test: PolicyTest, { access, report }: Known): void {
  const { service, inside } = split(at.value);
  const found = access.services.find(({ name }) => name === service);
  if (found === undefined) {
    const names = access.services.map(({ name }) => name);
    report.add('HG2003', `unknown service \`${service}\``, { span: at.span, hint: nameHint(service, names) });
    return;
  }
  if (found.protocol === 'grpc') checkMethod(at, found, report);
  else if (!found.models.includes(inside)) {
    const message = `the policy names no \`${inside}\` in service \`${service}\``;
    report.add('HG1413', message, { span: at.span, hint: nameHint(inside, found.models) });
  }
  const actions = knownActions(found.protocol);
  for (const { value, span } of test.to) {
    if (actions.includes(value)) continue;
    const hint = nameHint(value, actions);
    report.add('HG2005', `service \`${service}\` has no action \`${value}\``, { span, hint });
  }
}

/** A method is known where descriptors say so; else any could be there. */
function checkMethod(
  { span, value }: Located<string>,
  { name, methods = {}, hasDescriptors }: ServicePlan,
  report: Report,
): void {
  const { inside } = split(value);
  if (methodOfPath(`/${inside}`) === undefined) {
    const hint = `write its service and its own name: \`${name}/acme.orders.v1.Orders/Get\``;
    report.add('HG1413', `\`${inside}\` is not the name of a method`, { span, hint });
  } else if (hasDescriptors && !Object.hasOwn(methods, inside)) {
    const message = `service \`${name}\` has no method \`${inside}\``;
    report.add('HG1413', message, { span, hint: nameHint(inside, Object.keys(methods)) });
  }
}

function checkListener({ via, in: environments }: PolicyTest, { plans, report }: Known): void {
  if (via === undefined) return;
  for (const { value } of environments) {
    const names = plans.get(value)?.listeners.map(({ name }) => name) ?? [];
    if (names.length === 0 || names.includes(via.value)) continue;
    const message = `environment \`${value}\` has no listener \`${via.value}\``;
    report.add('HG1417', message, { span: via.span, hint: nameHint(via.value, names) });
  }
}

/** Names of versions are the policy's; their numbers the environment's own. */
function checkVersions({ at, in: environments, version, expect }: PolicyTest, { access, filed, report }: Known): void {
  const wanted = expect.version;
  const numbers = [version, wanted].filter((each) => typeof each?.value === 'number');
  for (const { value } of environments) {
    const [first] = numbers;
    if (first === undefined || filed.has(value)) continue;
    const message = `environment \`${value}\` has no file, so that the numbers of its versions are not known`;
    report.add('HG1420', message, { span: first.span, hint: 'write the name of the version, or ask by `label`' });
    break;
  }
  if (typeof wanted?.value !== 'string') return;
  for (const { value } of at) {
    const { service, inside: model } = split(value);
    const found = access.services.find(({ name }) => name === service);
    if (!found?.models.includes(model)) continue;
    const names = found.versions?.[model]?.map(({ name }) => name) ?? [];
    if (names.includes(wanted.value)) continue;
    const message = `model \`${model}\` has no version \`${wanted.value}\``;
    report.add('HG1419', message, { span: wanted.span, hint: nameHint(wanted.value, names) });
    break;
  }
}

/** `scoring/finance-prod` → its service and what is in it. */
export function split(at: string): { readonly service: string; readonly inside: string } {
  const slash = at.indexOf('/');
  return { service: at.slice(0, slash), inside: at.slice(slash + 1) };
}

function checkRule(test: PolicyTest, { policy, plans, report }: Known): void {
  const { expect } = test;
  if (expect.kind === 'denied') return;
  const { value, span } = expect.rule;
  const rule = policy.rules.find(({ name }) => name.value === value);
  if (rule === undefined) {
    const names = policy.rules.map(({ name }) => name.value);
    report.add('HG1410', `unknown rule \`${value}\``, { span, hint: nameHint(value, names) });
    return;
  }
  const notes = [{ message: 'the rule', span: rule.name.span }];
  if ((rule.effect === 'allow') !== (expect.kind === 'allowed')) {
    const [message, hint] =
      rule.effect === 'allow'
        ? ['this rule allows; it denies nobody', 'write `allowedBy`, or name a rule that denies']
        : ['this rule denies; it allows nobody', 'write `deniedBy`, or name a rule that allows'];
    report.add('HG1414', message, { span, hint, notes });
    return;
  }
  for (const name of test.in) {
    const rules = plans.get(name.value)?.access.rules;
    if (rules === undefined || rules.some((each) => each.name === value)) continue;
    const hint = `it holds in ${(rule.in ?? []).map((each) => each.value).join(', ')}`;
    report.add('HG1412', `the expected rule does not hold in \`${name.value}\``, { span: name.span, hint, notes });
  }
}
