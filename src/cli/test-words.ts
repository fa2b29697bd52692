import type { Expectation, PolicyTest } from '../policy/index.ts';
import type { TriedCase } from '../trials/index.ts';
import { versionWords } from './version-words.ts';

/** `staff:alice in ml-team`, `staff:client=batch-scorer`, `someone unknown`. */
export function callerWords({ who }: PolicyTest): string {
  if (who === 'anonymous') return 'someone unknown';
  const { identity, subject, client, groups } = who;
  const name = client === undefined ? subject?.value : `client=${client.value}`;
  const inside = groups.length === 0 ? '' : ` in ${groups.map(({ value }) => value).join(', ')}`;
  return `${identity.value}:${name}${inside}`;
}

/** What was to come. */
export function expectedWords(expected: Expectation): string {
  const version = expected.version === undefined ? '' : `, version ${expected.version.value}`;
  switch (expected.kind) {
    case 'allowed':
      return `allowed by “${expected.rule.value}”${version}`;
    case 'denied-by':
      return `denied by “${expected.rule.value}”${version}`;
    case 'denied':
      return `denied${expected.reason === undefined ? '' : `: ${reasonWords[expected.reason]}`}${version}`;
    default:
      return expected satisfies never;
  }
}

const reasonWords: Readonly<Record<TriedCase['reason'], string>> = {
  'rule-allows': 'a rule allows it',
  'rule-denies': 'a rule denies it',
  'no-rule-allows': 'no rule allows it',
  'resource-unknown': 'the policy does not know the resource',
  'version-unknown': 'no version of the model has this label',
};

/** What came. */
export function cameWords({ outcome, reason, rule, needsTime, needsQueue, ...which }: TriedCase): string {
  if (needsTime) return 'an answer that hangs on the time: give the test a `time`';
  if (needsQueue) return 'an answer that hangs on a queue: give the test a `queue`';
  if (rule === undefined) return `denied: ${reasonWords[reason]}${versionWords(which)}`;
  return `${outcome === 'allow' ? 'allowed' : 'denied'} by “${rule.name}” (${rule.file}:${rule.line})${versionWords(which)}`;
}

/** `predict on scoring/finance-prod in dev` */
export function caseWords({ action, at, environment }: TriedCase): string {
  return `${action} on ${at} in ${environment}`;
}
