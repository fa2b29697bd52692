import { createDecider, type Decider } from '../decision/index.ts';
import type { Decision } from '../decision/types.ts';
import { createIdentifier, type Identifier, type Identity } from '../identity/index.ts';
import type { Plan } from '../plan/types.ts';
import { type Classified, classify } from '../protocols/index.ts';
import type { Clock } from '../std/clock.ts';
import { permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import { type Assert, createAssert } from './assertion.ts';
import type { DenialReason } from './denials.ts';
import { requestFacts } from './facts.ts';
import type { GateKeys } from './keys.ts';
import { assertionMarginMs } from './limits.ts';
import { issuePermit, type Permit } from './permit.ts';
import { requestFault } from './request-faults.ts';
import type { Denial, Gate, GateAnswer, GateRequest } from './types.ts';

export interface GateOptions {
  readonly plan: Plan;
  readonly keys: GateKeys;
  readonly clock: Clock;
  /** Default: one over the Plan's identities, closed with the gate. One that is given stays its giver's. */
  readonly identifier?: Identifier;
  /** Default: one over the Plan's access. */
  readonly decider?: Decider;
}

/** What check() needs, made once per Plan. */
interface Parts {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly identifier: Identifier;
  readonly decider: Decider;
  readonly assert: Assert;
}

/** Makes the one place that decides. Throws only where the Plan itself can't be taken up. */
export function createGate({ plan, keys, clock, ...given }: GateOptions): Gate {
  const idKey = keys.idKey.reveal();
  const identifier = given.identifier ?? createIdentifier({ identities: plan.access.identities, idKey, clock });
  const decider = given.decider ?? createDecider(plan.access);
  const assert = createAssert({ keys, clock, issuer: `urn:headgate:${plan.environment}` });
  const parts: Parts = { plan, clock, identifier, decider, assert };
  return {
    plan,
    async check(request) {
      try {
        return await check(parts, request);
      } catch (cause) {
        return denial(parts, 'gate-fault', { detail: cause instanceof Error ? cause.message : String(cause) });
      }
    },
    jwks: () => ({ keys: keys.published() }),
    status: () => identifier.status(),
    async close() {
      if (given.identifier === undefined) identifier.close();
    },
  };
}

/** The whole order of refusals, top to bottom. What follows a permit (limit, upstream) is the engine's. */
async function check(parts: Parts, request: GateRequest): Promise<GateAnswer> {
  const { plan, clock, identifier, decider } = parts;
  const nowMs = clock.now();

  const fault = requestFault(request);
  if (fault !== undefined) return denial(parts, fault.reason, fault);

  const classified = classify(plan, request);
  if ('reason' in classified) return denial(parts, classified.reason, classified);
  const { operation } = classified;

  const caller = await identifier.identify(request.headers, nowMs);
  if (caller.kind === 'fault') return denial(parts, caller.fault, { operation, detail: caller.detail });
  const identity = caller.kind === 'identity' ? caller.identity : undefined;

  const decision = decider.decide(operation, identity, requestFacts(request, nowMs));
  if (decision.outcome === 'deny') return refuse(parts, decision, { operation, identity });
  return permit(parts, decision, { ...classified, identity });
}

/** A caller who is not known may become known: where no rule allows, that is what is asked of them. */
function refuse(
  parts: Parts,
  { reason, rule }: Decision,
  { operation, identity }: { readonly operation: Classified['operation']; readonly identity: Identity | undefined },
): Denial {
  const known = { operation, ...(identity !== undefined && { identity }), ...(rule !== undefined && { rule }) };
  if (identity === undefined && reason !== 'rule-denies') return denial(parts, 'credential-missing', known);
  return denial(parts, reason === 'rule-allows' ? 'gate-fault' : reason, known);
}

async function permit(
  { plan, clock, assert }: Parts,
  { rule, limits, readsTime }: Decision,
  { operation, upstreamPath, identity }: Classified & { readonly identity: Identity | undefined },
): Promise<Permit> {
  if (rule === undefined) throw new Error('a decision allows without a rule');
  const assertion = identity === undefined ? undefined : await assert(identity, operation.service);
  const nowMs = clock.now();
  const keepUntilMs = Math.min(
    nowMs + (readsTime ? refusalKeptMsMax : permitKeptMsMax),
    identity?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    assertion === undefined ? Number.POSITIVE_INFINITY : assertion.endsAtMs - assertionMarginMs,
  );
  return issuePermit({
    operation,
    identity,
    rule,
    limits,
    upstreamPath,
    assertion: assertion?.text,
    keepUntilMs: keepUntilMs > nowMs ? keepUntilMs : 0,
    epoch: plan.epoch,
  });
}

/** Faults of ours are not kept: the next call may find them gone. */
const notKept: ReadonlySet<DenialReason> = new Set(['gate-fault', 'identity-unavailable']);

function denial(
  { plan, clock }: Parts,
  reason: DenialReason,
  facts: Partial<Pick<Denial, 'reason' | 'detail' | 'operation' | 'identity' | 'rule' | 'allow'>>,
): Denial {
  const { detail, operation, identity, rule, allow } = facts;
  return {
    kind: 'denial',
    reason,
    ...(detail !== undefined && { detail }),
    ...(operation !== undefined && { operation }),
    ...(identity !== undefined && { identity }),
    ...(rule !== undefined && { rule }),
    ...(allow !== undefined && { allow }),
    keepUntilMs: notKept.has(reason) ? 0 : clock.now() + refusalKeptMsMax,
    epoch: plan.epoch,
  };
}
