import type { Gate, GateAnswer, Permit } from '../../gate/index.ts';

interface Deciding {
  again?(permit: Permit): GateAnswer | Promise<GateAnswer>;
}

/** Decides about an open call again. A gate that can't lets no call outlive the access that let it in. */
export function decideAgain(gate: Gate & Deciding, permit: Permit): GateAnswer | Promise<GateAnswer> {
  const { epoch } = gate.plan;
  if (gate.again !== undefined) return gate.again(permit);
  if (permit.fields.epoch === epoch) return permit;
  return { kind: 'denial', reason: 'access-ended', keepUntilMs: 0, epoch };
}
