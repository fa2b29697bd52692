import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createDecider, createVersions, type Decider, type Explanation, type QueueFacts } from '../decision/index.ts';
import { createGate, type GateAnswer, type GateKeys, type GateRequest } from '../gate/index.ts';
import { createIdentifier, type Identified, type Identifier, type Identity, subjectId } from '../identity/index.ts';
import type { Plan } from '../plan/types.ts';
import { Secret } from '../std/secret.ts';
import { openKeyFinder } from '../store/index.ts';
import { versionList } from './version-words.ts';

export interface Question {
  readonly plan: Plan;
  readonly request: GateRequest;
  /** Who it is taken for; undefined: whoever the request's credential proves. */
  readonly caller: Identified | undefined;
  readonly nowMs: number;
  /** What its queue holds; undefined: not known. */
  readonly queue?: QueueFacts | undefined;
  /** Of the gateway's ids, where it is known here: by the ids callers get their versions. */
  readonly idKey: Secret<Uint8Array> | undefined;
}

export interface Answered {
  readonly answer: GateAnswer;
  /** Who it was, where that was found out. */
  readonly identity: Identity | undefined;
  /** Absent where the call was refused before any rule was asked. */
  readonly explanation: Explanation | undefined;
  /** What can't be told here, as a sentence. */
  readonly doubt: string | undefined;
}

/** Asks the same gate that the engines ask, with keys of its own: what it signs goes nowhere. */
export async function askGate({ plan, request, caller: given, nowMs, queue, idKey }: Question): Promise<Answered> {
  const clock = { now: () => nowMs };
  const keys = passingKeys(idKey);
  const caller = given && withId(given, keys.idKey);
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
  const gate = createGate({ plan, keys, clock, identifier, decider: listening, queueOf: () => queue });
  try {
    const answer = await gate.check(request);
    const doubt = idKey === undefined ? doubtOf(plan, answer) : undefined;
    return { answer, identity: asked, explanation, doubt };
  } finally {
    await gate.close();
    apiKeys.close();
  }
}

function fixedIdentifier(caller: Identified): Identifier {
  return { identify: async () => caller, status: () => [] };
}

/** The id that the gateway would give; it may decide which version the caller gets. */
function withId(caller: Identified, idKey: Secret<Uint8Array>): Identified {
  if (caller.kind !== 'identity') return caller;
  const { identity } = caller;
  const id = subjectId(idKey.reveal(), identity.issuer, identity.subject);
  return { kind: 'identity', identity: { ...identity, id } };
}

/** Without the gateway's own ids nobody knows on which side of a share a caller falls. */
function doubtOf({ access }: Plan, answer: GateAnswer): string | undefined {
  const { operation, identity } = answer.kind === 'permit' ? answer.fields : answer;
  if (operation?.versionBy !== 'share' || identity === undefined) return undefined;
  const { version, versionName, versionBy, ...asked } = operation;
  if (createVersions(access.services).possible(asked, true).length < 2) return undefined;
  const list = access.services.find(({ name }) => name === asked.service)?.versions?.[asked.model ?? ''] ?? [];
  return `which version this caller gets hangs on the gateway's own key, which is not here: ${versionList(list)}`;
}

function passingKeys(idKey: Secret<Uint8Array> | undefined): GateKeys {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    idKey: idKey ?? new Secret<Uint8Array>(randomBytes(32)),
    signer: () => ({ keyId: 'explain', privateKey }),
    published: () => [],
  };
}
