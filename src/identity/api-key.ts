import { type ApiKey, isSecretOf, type KeyFinder, readKeyText, StoreFault, stateOf } from '../grants/index.ts';
import { keyIssuer } from '../plan/index.ts';
import type { ApiKeysPlan } from '../plan/types.ts';
import { fault } from './fault.ts';
import { subjectId } from './subject-id.ts';
import type { Identified, Identity } from './types.ts';

export interface VerifyKeyOptions {
  readonly plan: ApiKeysPlan;
  /** undefined: no store is at hand. */
  readonly finder: KeyFinder | undefined;
  readonly idKey: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Who an API key stands for, or why it is refused. Asks the store each time and remembers nothing, so that a revoked key is
 * refused from the next look on. A key that is not known, whose secret is wrong, or that was revoked gets one answer: whoever
 * tries keys learns nothing. That one has expired is told to who has proven to hold it.
 */
export function verifyKey(text: string, { plan, finder, idKey, nowMs }: VerifyKeyOptions): Identified {
  const read = readKeyText(text);
  if (read === undefined) return fault('credential-malformed', 'not the text of an API key, or its checksum is wrong');
  if (finder === undefined) return fault('identity-unavailable', 'no store of API keys is at hand');
  const key = keyOf(finder, read.id);
  if (key instanceof StoreFault) return fault('identity-unavailable', `${key.code}: ${key.message}`);
  if (key === undefined) return fault('credential-unknown', 'no API key has this id');
  if (!isSecretOf(key.hash, read.secret))
    return fault('credential-unknown', `the secret of API key ${key.id} is another`);
  const state = stateOf(key, nowMs);
  if (state === 'revoked') return fault('credential-unknown', `API key ${key.id} of ${key.name} was revoked`);
  if (state === 'expired') return fault('credential-expired', `API key ${key.id} of ${key.name} has expired`);
  return { kind: 'identity', identity: keyIdentity({ plan, key, idKey }) };
}

function keyOf(finder: KeyFinder, id: string) {
  try {
    return finder.find(id);
  } catch (cause) {
    if (cause instanceof StoreFault) return cause;
    throw cause;
  }
}

function keyIdentity({
  plan,
  key: { id, name, endsMs },
  idKey,
}: {
  readonly plan: ApiKeysPlan;
  readonly key: ApiKey;
  readonly idKey: Uint8Array;
}): Identity {
  return {
    provider: plan.name,
    kind: 'apiKey',
    issuer: keyIssuer,
    subject: name,
    id: keySubjectId(idKey, name),
    groups: [],
    client: name,
    keyId: id,
    expiresAtMs: endsMs,
  };
}

/** `Identity.id` of who calls with a key of this name: the same for both keys of a rotation. */
export function keySubjectId(idKey: Uint8Array, name: string): string {
  return subjectId(idKey, keyIssuer, name);
}
