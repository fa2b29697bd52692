import { basename } from 'node:path';
import type { IdentityPlan, Plan } from '../plan/index.ts';
import { relayLines } from './lock-relays.ts';
import { lockedRules } from './lock-rules.ts';
import { reachLines } from './reach.ts';

/** Most lines of a lock. Beyond, nobody could read its diff. */
export const lockLinesMax = 200_000;

const head = `# access.lock: who reaches what, in which environment, by which rule. Read its diff; \`headgate check --lock\` writes it.
# identity: whose tokens are believed. allow, deny: what, who (as which group), by which rule. rule: in the order of the file.
# versions: those that a rule reaches, by name; any: also numbers without one. Which numbers they are the environment says.
# What lies outside and can't be told here: who is in the groups of an identity provider, who holds a client's secret,
# who holds an API key, and what is decided while it runs: live grants, revocations.
`;

/**
 * Who reaches what in these environments, as text: sorted lines, each of which can be read alone, so that the diff of two
 * locks is the difference in access. undefined: it would be longer than \`lockLinesMax\`.
 */
export function accessLock(plans: readonly Plan[], linesMax = lockLinesMax): string | undefined {
  const sorted = plans.toSorted((a, b) => (a.environment < b.environment ? -1 : 1));
  const lines: string[] = [];
  for (const plan of sorted) {
    const reach = reachLines(plan.access, linesMax - lines.length);
    if (reach === undefined) return undefined;
    const rules = plan.access.rules.map((rule) => ({ ...rule, file: basename(rule.file) }));
    const believed = [...plan.access.identities.flatMap(identityLines), ...relayLines(plan.access)].toSorted();
    const found = [...believed, ...reach, ...lockedRules(rules)];
    for (const line of found) lines.push(`${plan.environment} ${line}`);
  }
  return lines.length > linesMax ? undefined : `${head}\n${lines.join('\n')}\n`;
}

function identityLines(identity: IdentityPlan): readonly string[] {
  if (identity.kind === 'apiKeys') return [`identity ${identity.name} API keys of the environment's store`];
  const { name, issuers, audience, groupsClaim, algorithms, types } = identity;
  const read = `audience ${audience.join(', ')}; groups in ${groupsClaim.join('.')}`;
  const forms = types.map((type) => (type === '' ? 'none' : type)).join(', ');
  return issuers.map((issuer) => `identity ${name} issuer ${issuer}; ${read}; ${algorithms.join(', ')}; typ ${forms}`);
}
