import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createDecider, type Decider, type Explanation } from '../decision/index.ts';
import { createGate, type GateAnswer, type GateKeys, type GateRequest } from '../gate/index.ts';
import { createIdentifier, type Identified, type Identifier, type Identity } from '../identity/index.ts';
import type { Plan } from '../plan/types.ts';
import { Secret } from '../std/secret.ts';
import { openKeyFinder } from '../store/index.ts';

export interface Question {
  readonly plan: Plan;
  readonly request: GateRequest;
  /** Who it is taken for; undefined: whoever the request's credential proves. */
  readonly caller: Identified | undefined;
  readonly nowMs: number;
}

export interface Answered {
  readonly answer: GateAnswer;
  /** Who it was, where that was found out. */
  readonly identity: Identity | undefined;
  /** Absent where the call was refused before any rule was asked. */
  readonly explanation: Explanation | undefined;
}

/** Asks the same gate that the engines ask, with keys of its own: what it signs goes nowhere. */
export async function askGate({ plan, request, caller, nowMs }: Question): Promise<Answered> {
  const clock = { now: () => nowMs };
  const keys = passingKeys();
  const decider = createDecider(plan.access);
  let explanation: Explanation | undefined;
  let asked: Identity | undefined;
  const listening: Decider = {
    decide(operation, identity, facts) {
      explanation = decider.explain(operation, identity, facts);
      asked = identity;
      return explanation.decision;
    },
    explain: (operation, identity, facts) => decider.explain(operation, identity, facts),
  };
  const apiKeys = openKeyFinder(plan.state);
  const identifier =
    caller === undefined
      ? createIdentifier({ identities: plan.access.identities, apiKeys, idKey: keys.idKey.reveal(), clock })
      : fixedIdentifier(caller);
  const gate = createGate({ plan, keys, clock, identifier, decider: listening });
  try {
    return { answer: await gate.check(request), identity: asked, explanation };
  } finally {
    await gate.close();
    apiKeys.close();
  }
}

function fixedIdentifier(caller: Identified): Identifier {
  return { identify: async () => caller, status: () => [] };
}

function passingKeys(): GateKeys {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    idKey: new Secret<Uint8Array>(randomBytes(32)),
    signer: () => ({ keyId: 'explain', privateKey }),
    published: () => [],
  };
}
