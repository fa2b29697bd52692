import { canonicalJson } from '../std/canonical-json.ts';
import type { IssuerKey } from './issuer-key.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { assertionHash, type Link, readLink } from './read-link.ts';
import { readToken } from './read-token.ts';
import { type Relayed, type RelayFault, type RelayFaultReason, relayFault } from './relay-types.ts';
import type { CredentialFault, Fault } from './types.ts';
import { verifySignature } from './verify-signature.ts';

export interface ChainOptions {
  /** Keys of each gateway that is believed, by its issuer. */
  readonly gateways: ReadonlyMap<string, IssuerKeys>;
  /** How far a gateway's clock may be ahead. */
  readonly skewSeconds: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface VerifiedChain {
  readonly kind: 'verified';
  readonly relayed: Relayed;
  /** Keys that signed it. */
  readonly keys: readonly IssuerKey[];
}

/**
 * Who a call is made for, by assertions each of which was made from the one before it: the oldest first, never empty. INVARIANT: each
 * is signed by a gateway that is believed here, so that none on the way can name a caller whom the first has not known.
 */
export async function verifyChain(
  texts: readonly string[],
  options: ChainOptions,
): Promise<VerifiedChain | RelayFault> {
  const links: Link[] = [];
  const keys: IssuerKey[] = [];
  for (const text of texts) {
    const verified = await verifyLink(text, options);
    if (verified.kind === 'fault') return verified;
    const broken = brokenJoint(verified.link, links.at(-1), texts[links.length - 1]);
    if (broken !== undefined) return relayFault('chain-broken', broken);
    links.push(verified.link);
    keys.push(verified.key);
  }
  const newest = links.at(-1);
  if (newest === undefined) return relayFault('assertion-malformed', 'no assertion');
  const relayed: Relayed = {
    origin: newest.origin,
    actors: newest.actors,
    service: newest.service,
    hops: links.map(({ gateway, service }) => ({ gateway, service })),
    texts,
    hash: assertionHash(texts.at(-1) ?? ''),
    endsAtMs: Math.min(...links.map(({ expires }) => expires)) * 1000,
  };
  return { kind: 'verified', relayed, keys };
}

type VerifiedLink = { readonly kind: 'verified'; readonly link: Link; readonly key: IssuerKey };

async function verifyLink(
  text: string,
  { gateways, skewSeconds, nowMs }: ChainOptions,
): Promise<VerifiedLink | RelayFault> {
  const token = readToken(text);
  if (token.kind === 'fault') return relayFaultOf(token);
  if (token.algorithm !== 'EdDSA') return relayFault('assertion-signature', 'algorithm is not EdDSA');
  if (token.type !== 'jwt' || token.keyId === undefined) return relayFault('assertion-malformed', 'typ or kid');
  const link = readLink(token);
  if (link.kind === 'fault') return link;
  const keys = gateways.get(link.gateway);
  if (keys === undefined) return relayFault('assertion-issuer', 'gateway is not believed');
  const signed = await verifySignature(token, keys);
  if (signed.kind === 'fault') return relayFaultOf(signed);
  const now = nowMs / 1000;
  if (now >= link.expires) return relayFault('assertion-expired', 'exp has passed');
  if (now < link.notBefore - skewSeconds) return relayFault('assertion-expired', 'nbf');
  if (now < link.issuedAt - skewSeconds) return relayFault('assertion-expired', 'iat');
  return { kind: 'verified', link, key: signed.key };
}

const reasons: Partial<Readonly<Record<CredentialFault, RelayFaultReason>>> = {
  'credential-algorithm': 'assertion-signature',
  'credential-signature': 'assertion-signature',
  'identity-unavailable': 'identity-unavailable',
};

function relayFaultOf({ fault, detail }: Fault): RelayFault {
  return relayFault(reasons[fault] ?? 'assertion-malformed', detail);
}

/** Why an assertion can't have been made from the one before it; undefined: it was. */
function brokenJoint(link: Link, before: Link | undefined, text: string | undefined): string | undefined {
  const { previous, actors, origin } = link;
  if (before === undefined || text === undefined) {
    if (previous !== undefined) return 'an earlier assertion is missing';
    return actors.length === 0 ? undefined : 'actors without earlier assertions';
  }
  if (previous !== assertionHash(text)) return 'it was not made from the one before it';
  const actor = actors.at(-1);
  if (actor === undefined || actor.gateway !== link.gateway || actor.service !== before.service)
    return 'its newest actor';
  if (canonicalJson(actors.slice(0, -1)) !== canonicalJson(before.actors)) return 'its earlier actors';
  if (origin.issuer !== before.origin.issuer || origin.subject !== before.origin.subject) return 'its subject';
  return link.expires > before.expires ? 'it outlives the one before it' : undefined;
}
