import { type CelFault, checkCel, isTimeZone } from '../decision/index.ts';
import { listNames } from '../diagnostics/index.ts';
import {
  type AccessPlan,
  type ConditionPlan,
  type ConditionReads,
  type ConditionsPlan,
  conditionsOf,
  type RulePlan,
  readsOf,
  relayedHeaders,
  type ServicePlan,
  type WindowPlan,
} from '../plan/index.ts';
import type { CelText, ConditionsNode, Located } from '../policy/index.ts';
import { distinct, type Scope } from './scope.ts';

/** What reads nothing beyond caller and resource. */
const readsNothing: ConditionReads = { headers: [], address: false, time: false };

/** What has to hold of a call beside its caller, action and resource. `isHere`: the rule holds in this environment. */
export function compileConditions(
  scope: Scope,
  { via, from, during, when }: ConditionsNode,
  isHere: boolean,
): ConditionsPlan {
  if (isHere) for (const name of via ?? []) checkListener(scope, name);
  for (const window of during ?? []) checkZone(scope, window);
  return {
    ...(via && { via: distinct(via.map(({ value }) => value)) }),
    ...(from && { from: distinct(from.map(({ value }) => value)) }),
    ...(during && { during: during.map(({ value }) => value) }),
    ...(when && { when: compileCondition(scope, when) }),
  };
}

function checkListener({ environment, report, hint }: Scope, { value, span }: Located<string>): void {
  const known = environment.listeners.map(({ name }) => name.value);
  if (known.includes(value)) return;
  const message = `environment \`${environment.name.value}\` has no listener \`${value}\``;
  const notes = [{ message: 'this environment', span: environment.name.span }];
  report.add('HG2033', message, { span, hint: hint(value, known), notes });
}

function checkZone({ report, hint }: Scope, { value, span }: Located<WindowPlan>): void {
  if (isTimeZone(value.zone) && /^[A-Za-z]/.test(value.zone)) return;
  const near = hint(value.zone, Intl.supportedValuesOf('timeZone'));
  const names = near?.startsWith('did you mean') ? near : 'a name such as `Europe/Zurich` or `UTC`';
  report.add('HG2032', `unknown time zone \`${value.zone}\``, { span, hint: names });
}

/** A condition, checked, with what it reads. */
function compileCondition(scope: Scope, { value }: Located<CelText>): ConditionPlan {
  const checked = checkCel(value.text);
  if (!('faults' in checked)) {
    if (checked.readsOrigin) checkRelay(scope, value);
    return { cel: value.text, reads: checked.reads };
  }
  for (const fault of checked.faults) {
    scope.report.add('HG2030', fault.message, {
      span: value.spanOf(fault.start, fault.end),
      hint: hintOf(scope, fault),
    });
  }
  return { cel: value.text, reads: readsNothing };
}

/** Nobody is ever known to call for another where no gateway is believed. */
function checkRelay({ policy, report }: Scope, { text, spanOf }: CelText): void {
  if (policy.identity.some(({ kind }) => kind === 'headgate')) return;
  const hint = 'add `identity: { relay: { headgate: { hops: … } } }`, or read `caller`';
  const message = 'this condition reads who the call is made for, which no gateway here may say';
  report.add('HG2034', message, { span: spanOf(0, text.length), hint });
}

function hintOf(scope: Scope, { hint, unknown }: CelFault): string | undefined {
  return hint ?? (unknown && scope.hint(unknown.written, unknown.known));
}

/** Most headers that the conditions about one service read together: each joins what a kept decision is found by. */
const headersReadMax = 32;

/** What the conditions of each service read, together: it joins the key of a kept decision. */
export function compileReads(
  scope: Scope,
  services: readonly ServicePlan[],
  rules: readonly RulePlan[],
): AccessPlan['reads'] {
  const gathered = new Map(
    services.map(({ name }) => [name, { headers: new Set<string>(), address: false, time: false, queue: false }]),
  );
  if (scope.policy.identity.some(({ kind }) => kind === 'headgate'))
    for (const reads of gathered.values()) for (const field of relayedHeaders) reads.headers.add(field);
  for (const rule of rules) {
    const conditions = conditionsOf(rule).map(readsOf);
    for (const service of new Set(rule.resources.map((resource) => resource.service))) {
      const reads = gathered.get(service);
      if (reads === undefined) continue;
      for (const more of conditions) {
        for (const header of more.headers) reads.headers.add(header);
        reads.address ||= more.address;
        reads.time ||= more.time;
        reads.queue ||= more.queue === true;
      }
    }
  }
  for (const [service, { headers }] of gathered)
    if (headers.size > headersReadMax) reportReads(scope, service, headers);
  return Object.fromEntries(
    [...gathered].map(([service, { headers, address, time, queue }]) => [
      service,
      { headers: [...headers].sort(), address, time, ...(queue && { queue }) },
    ]),
  );
}

function reportReads({ services, report }: Scope, service: string, headers: ReadonlySet<string>): void {
  const message = `conditions about service \`${service}\` read ${headers.size} headers, and ${headersReadMax} is the most`;
  report.add('HG2031', message, {
    span: services.get(service)?.node.name.span,
    hint: `they read ${listNames([...headers])}`,
  });
}
