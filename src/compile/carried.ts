import type { ModelTrafficPlan } from '../plan/index.ts';
import type { CarriedNode } from '../policy/index.ts';
import type { KnownService, Scope } from './scope.ts';

/** How calls of single models are carried, as the policy says; undefined: all in the ordinary way. */
export function compileCarried(
  scope: Scope,
  { node }: KnownService,
): { readonly [model: string]: ModelTrafficPlan } | undefined {
  const found = new Map<string, CarriedNode>();
  for (const family of node.families) for (const { name } of family.models) found.set(name.value, carriedOf(family));
  for (const model of node.models) {
    found.set(model.name.value, { ...found.get(model.name.value), ...carriedOf(model) });
  }
  const plans: Record<string, ModelTrafficPlan> = {};
  const told = new Set<object>();
  for (const [model, carried] of found) {
    checkCarried(scope, model, carried, told);
    const plan = modelPlan(carried);
    if (plan !== undefined) plans[model] = plan;
  }
  return Object.keys(plans).length === 0 ? undefined : plans;
}

/** Only what is written, so that a model's own keys win one by one. */
function carriedOf({ repeats, sequence }: CarriedNode): CarriedNode {
  return { ...(repeats && { repeats }), ...(sequence && { sequence }) };
}

function modelPlan({ repeats, sequence }: CarriedNode): ModelTrafficPlan | undefined {
  if (repeats === undefined && sequence === undefined) return undefined;
  return {
    ...(sequence && { sequence: { header: sequence.value } }),
    ...(repeats && { repeats: { share: repeats.share?.value ?? 'caller' } }),
  };
}

/** Once for each pair: a family's own two are wrong of all its models alike. */
function checkCarried({ report }: Scope, model: string, { repeats, sequence }: CarriedNode, told: Set<object>): void {
  if (repeats === undefined || sequence === undefined) return;
  const isTold = told.has(repeats) && told.has(sequence);
  told.add(repeats).add(sequence);
  if (isTold) return;
  const message = `model \`${model}\` keeps a sequence, so that its calls are never the same: they can't be coalesced`;
  report.add('HG2101', message, {
    span: repeats.span,
    hint: 'remove `repeats`; where it comes from a family, give it to the other models themselves',
    notes: [{ message: 'the sequence', span: sequence.span }],
  });
}
