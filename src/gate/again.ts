import type { Decider, QueueFacts } from '../decision/index.ts';
import type { KeyFinder } from '../grants/index.ts';
import type { Identity } from '../identity/index.ts';
import type { IdentityPlan, Plan } from '../plan/types.ts';
import { classify, type Operation } from '../protocols/index.ts';
import type { Clock } from '../std/clock.ts';
import { permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import type { DenialReason } from './denials.ts';
import { requestFacts } from './facts.ts';
import { issuePermit, type Permit } from './permit.ts';
import type { Relaying } from './relaying.ts';
import type { Denial, GateAnswer, GateRequest } from './types.ts';

export interface AgainParts {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly apiKeys: KeyFinder | undefined;
  readonly decider: Decider;
  readonly relaying: Pick<Relaying, 'holds'>;
  readonly queueFacts: (operation: Operation) => QueueFacts | undefined;
}

/**
 * Decides anew about calls that are open, with the identity that their permit has: by the rules as they are now, and by what is known
 * of the credential without having it. `keepUntilMs` of a permit says when to ask again.
 */
export function createAgain(parts: AgainParts): (permit: Permit, request?: GateRequest) => GateAnswer {
  const { plan, clock, decider } = parts;
  const trusted = new Map(plan.access.identities.map((identity) => [identity.name, identity]));
  const until = plan.access.rules.map(({ streamsUntil }) => streamsUntil);

  const refusal = (reason: DenialReason, permit: Permit, more: Partial<Denial> = {}): Denial => {
    const { operation, identity, relayed } = permit.fields;
    const known = { operation, ...(identity && { identity }), ...(relayed && { relayed }) };
    return { kind: 'denial', reason, ...known, ...more, keepUntilMs: 0, epoch: plan.epoch };
  };

  return (permit, request = permit.fields.asked) => {
    const nowMs = clock.now();
    const { identity, relayed, operation: before } = permit.fields;
    // Carried for another process of ours, which asks for itself.
    if (request === undefined) return permit;
    const ended = identity && endOf(identity, trusted.get(identity.provider), parts.apiKeys);
    if (ended !== undefined) return refusal('credential-ended', permit, { detail: ended });
    if (relayed !== undefined && !parts.relaying.holds(relayed, identity))
      return refusal('access-ended', permit, { detail: 'it may not be made for another any more' });
    const classified = classify(plan, request);
    if ('reason' in classified) return refusal('access-ended', permit, { detail: classified.reason });
    const { operation } = classified;
    if (operation.service !== before.service) return refusal('access-ended', permit, { detail: 'route' });

    const facts = requestFacts(request, nowMs, { queue: parts.queueFacts(operation), origin: relayed?.origin });
    const { outcome, reason, rule, limits, readsTime, readsQueue } = decider.decide(operation, identity, facts);
    if (outcome === 'deny' || rule === undefined)
      return refusal('access-ended', permit, { detail: reason, ...(rule && { rule }) });
    const endsMs = until[rule.index] === 'expiry' ? (identity?.expiresAtMs ?? Infinity) : Infinity;
    if (endsMs <= nowMs) return refusal('credential-ended', permit, { detail: 'expired', rule });
    const keptMs = readsTime || readsQueue ? refusalKeptMsMax : permitKeptMsMax;
    const keepUntilMs = Math.min(nowMs + keptMs, endsMs);
    return issuePermit({ ...permit.fields, operation, rule, limits, keepUntilMs, epoch: plan.epoch });
  };
}

/** Why a credential is none any more, as far as that can be known; undefined: it isn't known to be. */
function endOf(identity: Identity, plan: IdentityPlan | undefined, apiKeys: KeyFinder | undefined): string | undefined {
  if (plan === undefined) return `nobody is known by ${identity.provider} any more`;
  if ('issuers' in plan && !plan.issuers.includes(identity.issuer)) return 'its issuer is not trusted any more';
  if (identity.keyId === undefined || apiKeys === undefined) return undefined;
  const key = found(apiKeys, identity.keyId);
  if (key === 'unknown') return undefined;
  return key === undefined || key.revokedMs !== undefined ? 'its key was revoked' : undefined;
}

/** While the store can't be asked, what is open goes on. */
function found(apiKeys: KeyFinder, id: string) {
  try {
    return apiKeys.find(id);
  } catch {
    return 'unknown';
  }
}
