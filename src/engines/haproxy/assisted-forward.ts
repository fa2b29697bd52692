import type { ListenerPlan, Plan } from '../../plan/types.ts';
import { assistedWay } from './assisted.ts';
import { askName, assistAskName, assistGrpcAskName, grpcAskName, unevenVariable } from './names.ts';
import { type Condition, test } from './print.ts';
import { variable } from './words.ts';

/** A backend that a miss goes to. */
export interface Asked {
  readonly backend: string;
  /** Left out: in any case. */
  readonly when?: Condition;
}

const names = {
  rest: { direct: askName, assisted: assistAskName },
  grpc: { direct: grpcAskName, assisted: assistGrpcAskName },
} as const;

/**
 * Where a miss for a service goes, tried in order; the last goes in any case. It has to be settled before the gate is asked, because a
 * call can't change its backend: so all misses of a service with assisted routes go the assisted way. `index` of the service, from 1.
 */
export function askedBackends(plan: Plan, index: number, kind: 'rest' | 'grpc'): readonly Asked[] {
  const service = plan.upstreams[index - 1]?.service ?? '';
  const asked = assistedWay(plan, service, kind)?.asked;
  const { direct, assisted } = names[kind];
  if (asked === 'always') return [{ backend: assisted(index) }];
  if (asked === undefined) return [{ backend: direct(index) }];
  const isUneven = test(variable(unevenVariable(index)), 'bool');
  return [{ backend: assisted(index), when: isUneven }, { backend: direct(index) }];
}

/** Whether a call that a listener has a kept permit for may be one that goes the assisted way. */
export function mayHandOver(plan: Plan, { routes }: ListenerPlan, kind: 'rest' | 'grpc'): boolean {
  return routes.some(({ service }) => assistedWay(plan, service, kind) !== undefined);
}
