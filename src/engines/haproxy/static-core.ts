import type { StaticCore } from '../../audit/index.ts';
import { type GateAnswer, type GateRequest, grpcStatusOf } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { pathOf } from '../../protocols/index.ts';

const pathCharactersMax = 512;

/** What the audit says of each call that this answer decides. */
export function staticCore(plan: Plan, request: GateRequest, answer: GateAnswer): StaticCore {
  const { operation, identity, rule } = answer.kind === 'permit' ? answer.fields : answer;
  const path = pathOf(request.target);
  return {
    environment: plan.environment,
    listener: request.listener,
    method: request.method,
    path: path.length <= pathCharactersMax ? path : `${path.slice(0, pathCharactersMax)}…`,
    service: operation?.service ?? null,
    operation: operation?.name ?? null,
    action: operation?.action ?? null,
    resource: operation === undefined ? null : [operation.service, ...operation.resource].join('/'),
    model: operation?.model ?? null,
    version: operation?.version ?? null,
    caller:
      identity === undefined
        ? null
        : {
            identity: identity.provider,
            issuer: identity.issuer,
            subject: identity.subject,
            id: identity.id,
            client: identity.client ?? null,
          },
    outcome: answer.kind === 'permit' ? 'allow' : 'deny',
    reason: answer.kind === 'permit' ? 'rule-allows' : answer.reason,
    rule: rule?.name ?? null,
    ruleAt: rule === undefined ? null : `${rule.file}:${rule.line}`,
    epoch: plan.epoch,
    grpcStatus: request.message === undefined || answer.kind === 'permit' ? null : grpcStatusOf(answer.reason),
  };
}
