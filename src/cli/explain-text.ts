import type { RuleExplanation } from '../decision/index.ts';
import { denialRow } from '../gate/index.ts';
import type { Identity } from '../identity/index.ts';
import type { AccessPlan, LimitPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/index.ts';
import type { Answered } from './ask-gate.ts';
import { grantorsOf, grantorsText } from './grantors.ts';

/** Rules beyond that many that don't match are counted, not shown. */
const othersMax = 20;

/** An answer of the gate as a person reads it: the outcome, who and what, and every rule with what it lacks. */
export function explainText({ answer, identity, explanation }: Answered, access: AccessPlan): string {
  const operation = answer.kind === 'permit' ? answer.fields.operation : answer.operation;
  const lines = [headline(answer)];
  lines.push(`  who     ${who(identity, answer)}`);
  if (operation !== undefined) lines.push(`  what    ${what(operation)}`);
  if (answer.kind === 'permit') lines.push(`  limits  ${limits(answer.fields.limits)}`);
  if (answer.kind === 'denial' && answer.detail !== undefined) lines.push(`  detail  ${answer.detail}`);
  if (answer.kind === 'denial' && operation !== undefined && explanation !== undefined) {
    const grantors = grantorsOf(access, operation, { rules: explanation.rules, deciding: answer.rule?.index });
    lines.push(`  ask     ${grantorsText(grantors)}`);
  }
  if (explanation !== undefined) lines.push('', ...rulesText(explanation.rules, decidingIndex(answer)));
  return `${lines.join('\n')}\n`;
}

function headline(answer: Answered['answer']): string {
  if (answer.kind === 'permit') {
    const { name, file, line } = answer.fields.rule;
    return `allowed by “${name}” (${file}:${line})`;
  }
  const { status, sentence } = denialRow(answer.reason);
  const { rule } = answer;
  const by = rule === undefined ? '' : ` by “${rule.name}” (${rule.file}:${rule.line})`;
  return `refused${by}: ${status} ${answer.reason}. ${sentence}`;
}

function decidingIndex(answer: Answered['answer']): number | undefined {
  return answer.kind === 'permit' ? answer.fields.rule.index : answer.rule?.index;
}

function who(identity: Identity | undefined, answer: Answered['answer']): string {
  if (identity === undefined) {
    return answer.kind === 'denial' && answer.reason.startsWith('credential-') && answer.reason !== 'credential-missing'
      ? 'nobody: the credential is not accepted'
      : 'someone unknown, without a credential';
  }
  const machine = identity.client === undefined ? '' : `, client ${identity.client}`;
  const groups = identity.groups.length === 0 ? 'in no group' : `in ${identity.groups.join(', ')}`;
  return `${identity.subject} (${identity.provider}${machine}), ${groups}, from ${identity.issuer}`;
}

function what({ action, service, resource, version }: Operation): string {
  const at = [service, ...resource].join('/');
  return `${action} on ${at}${version === undefined ? '' : `, version ${version}`}`;
}

const periods: ReadonlyMap<number, string> = new Map([
  [1000, 's'],
  [60_000, 'm'],
  [3_600_000, 'h'],
]);

function limits(list: readonly LimitPlan[]): string {
  if (list.length === 0) return 'none';
  const texts = list.map(({ count, periodMs, burst, per }) => {
    return `${count}/${periods.get(periodMs) ?? `${periodMs} ms`}, burst ${burst}, per ${per}`;
  });
  return texts.join('; ');
}

/** The deciding rule and those that match, and of the others the first ones with what they lack. */
export function rulesText(list: readonly RuleExplanation[], deciding: number | undefined): string[] {
  const shown = list.filter(({ matches, rule }, index) => matches || rule.index === deciding || index < othersMax);
  const width = Math.max(0, ...shown.map(({ rule }) => rule.name.length));
  const lines = shown.map(({ rule, effect, owner, note, matches, lacks }) => {
    const mark = rule.index === deciding ? '→' : ' ';
    const why = rule.index === deciding ? 'decides' : matches ? passedOver(rule.index, deciding) : lacks.join('; ');
    const owned = `${owner === undefined ? '' : `; owner: ${owner}`}${note === undefined ? '' : `; note: ${note}`}`;
    return `  ${mark} ${effect.padEnd(5)} ${rule.name.padEnd(width)}  ${rule.file}:${rule.line}  ${why}${owned}`;
  });
  const hidden = list.length - shown.length;
  return [
    '  rules, in the order of the file',
    ...lines,
    ...(hidden > 0 ? [`    and ${hidden} more that do not match`] : []),
  ];
}

function passedOver(index: number, deciding: number | undefined): string {
  return deciding !== undefined && index > deciding ? 'matches too, but comes later' : 'matches, but a deny beats it';
}
