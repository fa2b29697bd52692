import type { Denial, GateAnswer } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { serviceNumbers } from './frontend.ts';
import { askName, assistAskName, assistGrpcAskName, assistGrpcPrefix, grpcAskName, grpcPrefix } from './names.ts';

/** A permit for another service than the one that the call would go to is none: HAProxy's routes and the gate's disagree. */
export function wayward(plan: Plan, answer: GateAnswer, backend: string): Denial | undefined {
  if (answer.kind === 'denial') return undefined;
  const isGrpc = answer.fields.operation.grpc === true;
  const { service } = answer.fields.operation;
  const names = isGrpc ? [grpcAskName, assistGrpcAskName] : [askName, assistAskName];
  if (names.some((name) => backend === name(serviceNumbers(plan).get(service) ?? 0))) return undefined;
  // Nobody there speaks gRPC.
  if (isGrpc && !backend.startsWith(grpcPrefix) && !backend.startsWith(assistGrpcPrefix)) {
    return { kind: 'denial', reason: 'upstream-unavailable', keepUntilMs: 0, epoch: plan.epoch };
  }
  return { kind: 'denial', reason: 'gate-fault', detail: 'routes disagree', keepUntilMs: 0, epoch: plan.epoch };
}
