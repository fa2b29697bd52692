import { hash } from 'node:crypto';
import { chainHopsMax } from '../std/limits.ts';
import { isText, readClaims } from './claims.ts';
import type { ReadToken } from './read-token.ts';
import { type Actor, type Origin, type RelayFault, relayFault } from './relay-types.ts';
import { isJsonObject } from './strict-json.ts';

/** One assertion of a chain, as its claims have it. */
export interface Link {
  readonly kind: 'link';
  readonly gateway: string;
  /** The service that it was made for. */
  readonly service: string;
  readonly origin: Origin;
  /** The first first. */
  readonly actors: readonly Actor[];
  /** Hash of the assertion that it was made from; undefined: of a credential. */
  readonly previous: string | undefined;
  /** Seconds since the epoch, as are the next two. */
  readonly expires: number;
  readonly notBefore: number;
  readonly issuedAt: number;
}

/** By which a later assertion names an earlier one: SHA-256 of its text, base64url. */
export function assertionHash(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** The claims of an assertion. A claim of another form than ours is refused, never read in another way. */
export function readLink({ payload }: ReadToken): Link | RelayFault {
  const { iss, aud, jti, nbf, iat, prev, act, sub_id, identity, client_id, groups_complete } = payload;
  const claims = readClaims(payload, ['groups']);
  if (claims.kind === 'fault') return malformed(claims.detail);
  if (!isText(iss)) return malformed('claim iss');
  if (!isText(aud)) return malformed('claim aud');
  if (!isText(jti)) return malformed('claim jti');
  if (claims.notBefore === undefined || nbf === undefined) return malformed('claim nbf');
  if (claims.issuedAt === undefined || iat === undefined) return malformed('claim iat');
  if (prev !== undefined && !(typeof prev === 'string' && hashForm.test(prev))) return malformed('claim prev');
  const subject = subjectOf(sub_id);
  if (subject === undefined) return malformed('claim sub_id');
  if (!isText(identity)) return malformed('claim identity');
  if (client_id !== undefined && !isText(client_id)) return malformed('claim client_id');
  const actors = actorsOf(act);
  if (actors === undefined) return malformed('claim act');
  return {
    kind: 'link',
    gateway: iss,
    service: aud,
    origin: {
      provider: identity,
      ...subject,
      ...(client_id !== undefined && { client: client_id }),
      groups: claims.groups,
      hasAllGroups: groups_complete === undefined,
    },
    actors,
    previous: prev,
    expires: claims.expires,
    notBefore: claims.notBefore,
    issuedAt: claims.issuedAt,
  };
}

const hashForm = /^[A-Za-z0-9_-]{43}$/;

/** `sub_id` of the format `iss_sub`. RFC 9493, section 3.2.3. */
function subjectOf(claim: unknown): Pick<Origin, 'issuer' | 'subject'> | undefined {
  if (!isJsonObject(claim)) return undefined;
  const { format, iss, sub } = claim;
  return format === 'iss_sub' && isText(iss) && isText(sub) ? { issuer: iss, subject: sub } : undefined;
}

/** Nested, the newest outermost (RFC 8693, section 4.1) → a list, the newest last. */
function actorsOf(outermost: unknown): readonly Actor[] | undefined {
  const actors: Actor[] = [];
  for (let act = outermost; act !== undefined; ) {
    if (!isJsonObject(act) || actors.length > chainHopsMax) return undefined;
    const { iss, sub, sub_id, service, act: earlier } = act;
    const subject = subjectOf(sub_id);
    if (!isText(iss) || !isText(sub) || !isText(service) || subject === undefined) return undefined;
    actors.push({ gateway: iss, id: sub, ...subject, service });
    act = earlier;
  }
  return actors.reverse();
}

function malformed(detail: string): RelayFault {
  return relayFault('assertion-malformed', detail);
}
