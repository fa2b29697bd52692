import { type CelFault, checkCel } from '../decision/index.ts';
import { listNames } from '../diagnostics/index.ts';
import type { AccessPlan, ConditionPlan, ConditionReads, RulePlan, ServicePlan } from '../plan/index.ts';
import type { CelText, Located } from '../policy/index.ts';
import type { Scope } from './scope.ts';

/** What reads nothing beyond caller and resource. */
const readsNothing: ConditionReads = { headers: [], address: false, time: false };

/** A condition, checked, with what it reads. */
export function compileCondition(scope: Scope, { value }: Located<CelText>): ConditionPlan {
  const checked = checkCel(value.text);
  if (!('faults' in checked)) return { cel: value.text, reads: checked.reads };
  for (const fault of checked.faults) {
    scope.report.add('HG2030', fault.message, {
      span: value.spanOf(fault.start, fault.end),
      hint: hintOf(scope, fault),
    });
  }
  return { cel: value.text, reads: readsNothing };
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
    services.map(({ name }) => [name, { headers: new Set<string>(), address: false, time: false }]),
  );
  for (const rule of rules) {
    const conditions = [rule.when, ...rule.unless.map(({ when }) => when)].filter((when) => when !== undefined);
    for (const service of new Set(rule.resources.map((resource) => resource.service))) {
      const reads = gathered.get(service);
      if (reads === undefined) continue;
      for (const { reads: more } of conditions) {
        for (const header of more.headers) reads.headers.add(header);
        reads.address ||= more.address;
        reads.time ||= more.time;
      }
    }
  }
  for (const [service, { headers }] of gathered)
    if (headers.size > headersReadMax) reportReads(scope, service, headers);
  return Object.fromEntries(
    [...gathered].map(([service, reads]) => [service, { ...reads, headers: [...reads.headers].sort() }]),
  );
}

function reportReads({ services, report }: Scope, service: string, headers: ReadonlySet<string>): void {
  const message = `conditions about service \`${service}\` read ${headers.size} headers, and ${headersReadMax} is the most`;
  report.add('HG2031', message, {
    span: services.get(service)?.node.name.span,
    hint: `they read ${listNames([...headers])}`,
  });
}
