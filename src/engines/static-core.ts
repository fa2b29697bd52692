import type { StaticCore } from '../audit/index.ts';
import { type Denial, type DenialReason, type GateAnswer, type GateRequest, grpcStatusOf } from '../gate/index.ts';
import type { Plan } from '../plan/types.ts';
import { pathOf } from '../protocols/index.ts';

/** Where a call was decided, and by which access. */
export type CoreScene = Pick<Plan, 'environment' | 'epoch'>;

/** What the audit says of each call that this answer decides. */
export function staticCore(scene: CoreScene, request: GateRequest, answer: GateAnswer): StaticCore {
  const isPermit = answer.kind === 'permit';
  const { operation, identity, relayed, rule } = isPermit ? answer.fields : answer;
  return {
    environment: scene.environment,
    listener: request.listener,
    method: request.method,
    path: shownPath(request.target),
    service: operation?.service ?? null,
    operation: operation?.name ?? null,
    action: operation?.action ?? null,
    resource: operation === undefined ? null : [operation.service, ...operation.resource].join('/'),
    model: operation?.model ?? null,
    version: operation?.version ?? null,
    versionName: operation?.versionName ?? null,
    caller: identity === undefined ? null : callerOf(identity, relayed),
    outcome: isPermit ? 'allow' : 'deny',
    reason: isPermit ? 'rule-allows' : answer.reason,
    rule: rule?.name ?? null,
    ruleAt: rule === undefined ? null : `${rule.file}:${rule.line}`,
    epoch: scene.epoch,
    grpcStatus: isPermit || request.message === undefined ? null : grpcStatusOf(answer.reason),
  };
}

/** The same of a call that never had an answer of the gate. */
export function unaskedCore(
  { environment, epoch }: CoreScene,
  { listener, method, target }: Pick<GateRequest, 'listener' | 'method' | 'target'>,
  { reason, isGrpc }: { readonly reason: DenialReason; readonly isGrpc: boolean },
): StaticCore {
  const nothing = {
    ...{ service: null, operation: null, action: null, resource: null },
    ...{ model: null, version: null, versionName: null },
  };
  const decided = { caller: null, outcome: 'deny', reason, rule: null, ruleAt: null, epoch } as const;
  const grpcStatus = isGrpc ? grpcStatusOf(reason) : null;
  return { environment, listener, method, path: shownPath(target), ...nothing, ...decided, grpcStatus };
}

function callerOf(
  { provider, issuer, subject, id, client }: NonNullable<Denial['identity']>,
  relayed: Denial['relayed'],
): NonNullable<StaticCore['caller']> {
  const caller = { identity: provider, issuer, subject, id, client: client ?? null };
  if (relayed === undefined) return caller;
  const { origin, actors } = relayed;
  const actor = (each: (typeof actors)[number]) => ({
    issuer: each.issuer,
    subject: each.subject,
    service: each.service,
  });
  return { ...caller, chain: [{ issuer: origin.issuer, subject: origin.subject }, ...actors.map(actor)] };
}

const pathCharactersMax = 512;

/** Without the query, and cut short with `…`. */
function shownPath(target: string): string {
  const path = pathOf(target);
  return path.length <= pathCharactersMax ? path : `${path.slice(0, pathCharactersMax)}…`;
}
