import { whyText } from '../audit/index.ts';
import type { RuleExplanation } from '../decision/index.ts';
import { type ExplainedCall, problemOf } from './explain-call.ts';
import { rulesText } from './explain-text.ts';
import { momentText } from './find-call.ts';
import { grantorsOf, grantorsText } from './grantors.ts';
import type { Recalled } from './recall.ts';
import { versionWords } from './version-words.ts';

/** A recorded call as a person reads it: what came of it, what the caller saw, and what each rule lacks by now. */
export function callText(call: ExplainedCall): string {
  const { event, recalled } = call;
  const { core, requestId } = event;
  const lines = [
    headline(call),
    `  when    ${momentText(event.timeMs)}, request ${requestId}, on the ${event.engine} engine`,
    `  who     ${who(call)}`,
    `  what    ${what(call)}`,
    `  rule    ${core.rule === null ? 'none decided' : `“${core.rule}” (${core.ruleAt ?? 'place unknown'})`}`,
    `  fact    ${fact(call)}`,
    `  told    ${told(call)}`,
    ...grants(call),
    '',
    ...standing(call),
  ];
  if (recalled !== undefined) lines.push(...notes(call, recalled), ...ruleLines(call, recalled));
  return `${lines.join('\n')}\n`;
}

function headline({ event }: ExplainedCall): string {
  const { core } = event;
  if (event.kind === 'opened') return 'allowed: opened, and no end of it is recorded';
  const { status: code } = event.core;
  const status = code === 0 ? 'the caller left before the answer' : `${code}`;
  if (core.outcome === 'allow') return `allowed: ${status}${core.reason === 'rule-allows' ? '' : ` ${core.reason}`}`;
  return `refused: ${status} ${core.reason}`;
}

function who({ event: { core, address } }: ExplainedCall): string {
  const { caller } = core;
  if (caller === null) return `someone unknown, at ${address}`;
  const machine = caller.client === null ? '' : `, client ${printable(caller.client)}`;
  const [origin, ...hops] = caller.chain ?? [];
  const way = hops.map(({ subject, service = '' }) => `${printable(subject)} (service ${printable(service)})`);
  const before = way.length === 0 ? '' : ` by way of ${way.join(' and ')}`;
  const chain = origin && `, for ${printable(origin.subject)} from ${printable(origin.issuer)}${before}`;
  return `${printable(caller.subject)} (${caller.identity}${machine}), from ${caller.issuer}, at ${address}${chain ?? ''}`;
}

function what({ event: { core } }: ExplainedCall): string {
  const call = `${printable(core.method)} ${printable(core.path)}, listener ${core.listener}`;
  if (core.action === null) return call;
  const { version, versionName } = core;
  const which = { ...(version !== null && { version }), ...(typeof versionName === 'string' && { versionName }) };
  return `${core.action} on ${core.resource ?? core.service}${versionWords(which)}: ${call}`;
}

/** The fact that failed: the reason as the operator reads it, and of the rules the one that came nearest. */
function fact({ event: { core }, recalled }: ExplainedCall): string {
  if (core.reason === 'rule-allows') return 'none: the call went through';
  const near = core.reason === 'no-rule-allows' || core.reason === 'credential-missing' ? nearest(recalled) : undefined;
  const nearText = near === undefined ? '' : `; nearest is “${near.rule.name}”, which lacks: ${near.lacks.join('; ')}`;
  return `${whyText(core)}${nearText}`;
}

function nearest(recalled: Recalled | undefined): RuleExplanation | undefined {
  const allows =
    recalled?.explanation.rules.filter(({ effect, lacks }) => effect === 'allow' && lacks.length > 0) ?? [];
  return allows.toSorted((a, b) => a.lacks.length - b.lacks.length)[0];
}

function told({ event }: ExplainedCall): string {
  const problem = problemOf(event);
  if (problem === undefined) return "the service's own answer";
  const { title, detail } = JSON.parse(problem.body) as { readonly title: string; readonly detail: string };
  return `${title}. ${detail}`;
}

/** Whom to ask, by the policy in force now. */
function grants({ event: { core }, plan, recalled }: ExplainedCall): string[] {
  if (core.outcome === 'allow' || plan === undefined || recalled === undefined) return [];
  const { explanation, operation } = recalled;
  const deciding = explanation.rules.find(({ rule }) => rule.name === core.rule)?.rule.index;
  return [`  ask     ${grantorsText(grantorsOf(plan.access, operation, { rules: explanation.rules, deciding }))}`];
}

/** Which policy the rules below are of. */
function standing({ event: { core }, plan, recalled }: ExplainedCall): string[] {
  if (plan === undefined) return ['  the files have errors, so that what rules lack by now can not be told'];
  const other =
    plan.environment === core.environment ? '' : `; it was made in ${core.environment}, not ${plan.environment}`;
  if (recalled === undefined) return [`  no rule was asked${other}`];
  if (plan.epoch === core.epoch) return [`  by the same policy as then (epoch ${plan.epoch})${other}`];
  const { outcome, rule } = recalled.explanation.decision;
  const by = rule === undefined ? 'no rule allows it' : `by “${rule.name}”`;
  const now = `${outcome === 'allow' ? 'allowed' : 'refused'}, ${by}`;
  const doubt = recalled.dependsOnGroups.size === 0 ? '' : ', unless groups of their token change that';
  return [
    `  the policy has changed since: epoch ${core.epoch} then, ${plan.epoch} now; it would be ${now}${doubt}${other}`,
  ];
}

/** What the audit doesn't keep, where something hangs on it. */
function notes({ event }: ExplainedCall, { dependsOnGroups, unknownHeaders, isQueueUnknown }: Recalled): string[] {
  const lines: string[] = [];
  if (dependsOnGroups.size > 0 && event.core.caller !== null)
    lines.push(
      "  rules marked ? hang on groups of the caller's token, which the audit doesn't keep: --groups a,b says them",
    );
  if (unknownHeaders.length > 0)
    lines.push(`  conditions read ${unknownHeaders.join(', ')}, which the audit doesn't keep: --header says them`);
  if (isQueueUnknown)
    lines.push(
      "  conditions read a queue, and the audit doesn't keep what it held: --queue waiting=3,inFlight=8 says it",
    );
  return lines;
}

function ruleLines({ event: { core } }: ExplainedCall, { explanation, dependsOnGroups }: Recalled): string[] {
  const deciding = explanation.rules.find(({ rule }) => rule.name === core.rule)?.rule.index;
  const marked = explanation.rules.map((each) =>
    dependsOnGroups.has(each.rule.index) && each.rule.index !== deciding
      ? {
          ...each,
          lacks: [`? ${each.lacks.join('; ') || 'matches, unless their token carries a group'}`],
          matches: false,
        }
      : each,
  );
  return rulesText(marked, deciding);
}

/** Nothing that a caller chose moves a terminal's cursor. */
function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
