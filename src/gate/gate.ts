import { createDecider, createVersions, type Decider, type Versions } from '../decision/index.ts';
import type { Decision, QueueFacts } from '../decision/types.ts';
import type { KeyFinder } from '../grants/index.ts';
import { createIdentifier, type Identifier, type Identity, type Relayed } from '../identity/index.ts';
import { gatewayIssuer } from '../plan/index.ts';
import type { Plan } from '../plan/types.ts';
import { classify, type Operation, versionedPath } from '../protocols/index.ts';
import { canonicalJson } from '../std/canonical-json.ts';
import type { Clock } from '../std/clock.ts';
import { permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import { createAgain } from './again.ts';
import { type Assert, createAssert } from './assertion.ts';
import type { DenialReason } from './denials.ts';
import { askedOf, requestFacts } from './facts.ts';
import type { GateKeys } from './keys.ts';
import { assertionMarginMs } from './limits.ts';
import { issuePermit, type Permit } from './permit.ts';
import { createRelaying, type Relaying } from './relaying.ts';
import { requestFault } from './request-faults.ts';
import type { Denial, Gate, GateAnswer, GateRequest } from './types.ts';

export interface GateOptions {
  readonly plan: Plan;
  readonly keys: GateKeys;
  readonly clock: Clock;
  /** Gate of an earlier Plan: issuers' keys, verified tokens and assertions go on where the new Plan lets them. */
  readonly previous?: Gate;
  /** Where API keys are looked up; left out: as `previous` has it. */
  readonly apiKeys?: KeyFinder;
  /** Default: one over the Plan's identities. */
  readonly identifier?: Identifier;
  /** Default: one over the Plan's access. */
  readonly decider?: Decider;
  /**
   * How much is on its way through the queue of a model, or of its service where the model has none; undefined where there is no
   * queue. Asked for each decision of a service whose conditions read it, so it has to be cheap. Left out: as `previous` has it.
   */
  readonly queueOf?: QueueOf;
}

export type QueueOf = (service: string, model: string | undefined) => QueueFacts | undefined;

/** What check() needs, made once per Plan. */
interface Parts {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly apiKeys: KeyFinder | undefined;
  readonly identifier: Identifier;
  readonly relaying: Relaying;
  readonly decider: Decider;
  readonly versions: Versions;
  readonly assert: Assert;
  readonly queueOf: QueueOf | undefined;
}

const partsOfGates = new WeakMap<Gate, Parts>();

/** Makes the one place that decides. Throws only where the Plan itself can't be taken up. */
export function createGate(options: GateOptions): Gate {
  const { plan, keys } = options;
  const parts = partsOf(options);
  const again = createAgain({ ...parts, queueFacts: (operation) => queueFacts(parts, operation) });
  const gate: Gate = {
    plan,
    again,
    async check(request) {
      try {
        return await check(parts, request);
      } catch (cause) {
        return denial(parts, 'gate-fault', { detail: cause instanceof Error ? cause.message : String(cause) });
      }
    },
    jwks: () => ({ keys: keys.published() }),
    status: () => [...parts.identifier.status(), ...parts.relaying.status()],
    close: async () => undefined,
  };
  partsOfGates.set(gate, parts);
  return gate;
}

function partsOf({ plan, keys, clock, previous, ...given }: GateOptions): Parts {
  const before = previous === undefined ? undefined : partsOfGates.get(previous);
  const apiKeys = given.apiKeys ?? before?.apiKeys;
  const issuer = gatewayIssuer(plan);
  const hasSameName = before !== undefined && gatewayIssuer(before.plan) === issuer;
  return {
    plan,
    clock,
    apiKeys,
    queueOf: given.queueOf ?? before?.queueOf,
    identifier: given.identifier ?? identifierOf({ plan, keys, clock, ...(apiKeys && { apiKeys }) }, before),
    relaying: createRelaying({ plan, keys, clock, previous: before?.relaying }),
    decider: given.decider ?? createDecider(plan.access),
    versions: createVersions(plan.access.services),
    assert: (hasSameName ? before?.assert : undefined) ?? createAssert({ keys, clock, issuer }),
  };
}

function identifierOf({ plan, keys, clock, apiKeys }: GateOptions, before: Parts | undefined): Identifier {
  const { identities } = plan.access;
  const isSame = apiKeys === before?.apiKeys;
  if (isSame && before !== undefined && canonicalJson(before.plan.access.identities) === canonicalJson(identities)) {
    return before.identifier;
  }
  const previous = before?.identifier;
  return createIdentifier({
    identities,
    idKey: keys.idKey.reveal(),
    clock,
    apiKeys,
    ...(previous !== undefined && { previous }),
  });
}

/** The whole order of refusals, top to bottom. What follows a permit (limit, upstream) is the engine's. */
async function check(parts: Parts, request: GateRequest): Promise<GateAnswer> {
  const { plan, clock, identifier, relaying, decider, versions } = parts;
  const nowMs = clock.now();

  const fault = requestFault(request);
  if (fault !== undefined) return denial(parts, fault.reason, fault);

  const classified = classify(plan, request);
  if ('reason' in classified) return denial(parts, classified.reason, classified);

  const caller = await identifier.identify(request.headers, nowMs);
  if (caller.kind === 'fault')
    return denial(parts, caller.fault, { operation: classified.operation, detail: caller.detail });
  const identity = caller.kind === 'identity' ? caller.identity : undefined;

  const { headers } = request;
  const relayed = await relaying.read({ headers, identity, service: classified.operation.service, nowMs });
  if (relayed !== undefined && 'fault' in relayed) {
    const { fault: reason, detail } = relayed;
    return denial(parts, reason, { operation: classified.operation, ...(identity && { identity }), detail });
  }

  const operation = versions.resolve(classified.operation, identity?.id);
  if (operation === undefined)
    return refuse(parts, { reason: 'version-unknown' }, { ...classified, identity, relayed });

  const further = { queue: queueFacts(parts, operation), origin: relayed?.origin };
  const decision = decider.decide(operation, identity, requestFacts(request, nowMs, further));
  if (decision.outcome === 'deny') return refuse(parts, decision, { operation, identity, relayed });
  const upstreamPath = versionedPath(classified, operation.version);
  return permit(parts, decision, { operation, upstreamPath, identity, relayed, request });
}

/** Looked up only where a condition of the service reads it. */
function queueFacts({ plan, queueOf }: Parts, { service, model }: Operation): QueueFacts | undefined {
  return plan.access.reads[service]?.queue ? queueOf?.(service, model) : undefined;
}

/** What is asked, and by whom. */
interface Meant {
  readonly operation: Operation;
  readonly identity: Identity | undefined;
  /** For whom; undefined: for themselves. */
  readonly relayed: Relayed | undefined;
}

interface Permitted extends Meant {
  readonly upstreamPath: string;
  readonly request: GateRequest;
}

/** A caller who is not known may become known: where no rule allows, that is what is asked of them. */
function refuse(
  parts: Parts,
  { reason, rule }: Pick<Decision, 'rule'> & { readonly reason: Decision['reason'] | 'version-unknown' },
  { operation, identity, relayed }: Meant,
): Denial {
  const known = {
    operation,
    ...(identity !== undefined && { identity }),
    ...(relayed !== undefined && { relayed }),
    ...(rule !== undefined && { rule }),
  };
  if (identity === undefined && reason !== 'rule-denies') return denial(parts, 'credential-missing', known);
  return denial(parts, reason === 'rule-allows' ? 'gate-fault' : reason, known);
}

async function permit(
  { plan, clock, assert }: Parts,
  { rule, limits, readsTime, readsQueue }: Decision,
  { operation, upstreamPath, identity, relayed, request }: Permitted,
): Promise<Permit> {
  if (rule === undefined) throw new Error('a decision allows without a rule');
  const assertion = identity === undefined ? undefined : await assert(identity, operation.service, relayed);
  const nowMs = clock.now();
  const keepUntilMs = Math.min(
    nowMs + (readsTime || readsQueue ? refusalKeptMsMax : permitKeptMsMax),
    identity?.expiresAtMs ?? Number.POSITIVE_INFINITY,
    assertion === undefined ? Number.POSITIVE_INFINITY : assertion.endsAtMs - assertionMarginMs,
  );
  const { version, versionBy } = operation;
  return issuePermit({
    operation,
    ...(version !== undefined && versionBy !== 'number' && { version }),
    identity,
    ...(relayed !== undefined && { relayed }),
    callerId: callerId(identity, relayed),
    rule,
    limits,
    upstreamPath,
    assertion: assertion?.text,
    keepUntilMs: keepUntilMs > nowMs ? keepUntilMs : 0,
    epoch: plan.epoch,
    ...(operation.grpc === true && { asked: askedOf(request, plan.access.reads[operation.service]) }),
  });
}

/** Who shares an answer with nobody else: of calls that are made for others, the two of them. */
function callerId(identity: Identity | undefined, relayed: Relayed | undefined): string | undefined {
  if (identity === undefined || relayed === undefined) return identity?.id;
  const { issuer, subject } = relayed.origin;
  return JSON.stringify([identity.id, issuer, subject]);
}

/**
 * Faults of ours are not kept: the next call may find them gone. Nor is what hangs on more than a kept answer is found by:
 * the query's length and fields that no condition reads.
 */
const notKept: ReadonlySet<DenialReason> = new Set([
  'gate-fault',
  'identity-unavailable',
  'request-malformed',
  'target-too-long',
  'header-too-large',
]);

function denial(
  { plan, clock }: Parts,
  reason: DenialReason,
  facts: Partial<Pick<Denial, 'reason' | 'detail' | 'operation' | 'identity' | 'relayed' | 'rule' | 'allow'>>,
): Denial {
  const { detail, operation, identity, relayed, rule, allow } = facts;
  return {
    kind: 'denial',
    reason,
    ...(detail !== undefined && { detail }),
    ...(operation !== undefined && { operation }),
    ...(identity !== undefined && { identity }),
    ...(relayed !== undefined && { relayed }),
    ...(rule !== undefined && { rule }),
    ...(allow !== undefined && { allow }),
    keepUntilMs: notKept.has(reason) ? 0 : Math.min(clock.now() + refusalKeptMsMax, identity?.expiresAtMs ?? Infinity),
    epoch: plan.epoch,
  };
}
