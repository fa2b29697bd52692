import { isText } from './claims.ts';
import type { JsonObject } from './strict-json.ts';

/** Says which client a token was given to, where the token proves that no person is behind it. */
type Form = (claims: JsonObject) => unknown;

/**
 * Positive signs of a machine token, one a provider's form; docs/decisions holds where each comes from. That a token says
 * nothing of a person is no sign: access tokens of people often don't (RFC 9068 asks for none).
 */
const forms: readonly Form[] = [
  // RFC 9068, section 2.2; Okta has `cid`, Google's service accounts `azp`.
  ({ sub, client_id }) => (client_id === sub ? client_id : undefined),
  ({ sub, cid }) => (cid === sub ? cid : undefined),
  ({ sub, azp }) => (azp === sub ? azp : undefined),
  // Entra.
  ({ idtyp, azp, appid }) => (idtyp === 'app' ? (azp ?? appid) : undefined),
  // Auth0, in its RFC 9068 dialect and in its own.
  ({ sub, client_id }) => (isText(client_id) && sub === `${client_id}@clients` ? client_id : undefined),
  ({ gty, sub, azp }) => (gty === 'client-credentials' && isText(azp) && sub === `${azp}@clients` ? azp : undefined),
  // Keycloak: `client_id` (`clientId` in older ones) stands in tokens of service accounts only.
  ({ azp, client_id, clientId, preferred_username }) =>
    isText(azp) && (client_id ?? clientId) === azp && preferred_username === accountName(azp) ? azp : undefined,
];

/** Claims that come from a person who signed in. */
const personClaims = [
  'auth_time',
  'amr',
  'nonce',
  'sid',
  'session_state',
  'at_hash',
  'c_hash',
  'uid',
  'name',
  'given_name',
  'family_name',
  'upn',
  'unique_name',
  'act',
] as const;

/** Whatever of these a token has says the same, or it says nothing. */
const clientClaims = ['client_id', 'cid', 'azp', 'appid'] as const;

/** Client of a machine token; undefined for a token that has, or may have, a person in it. */
export function machineClient(claims: JsonObject): string | undefined {
  if (personClaims.some((name) => claims[name] !== undefined)) return undefined;
  if (claims.idtyp !== undefined && claims.idtyp !== 'app') return undefined;
  const { azp, preferred_username } = claims;
  if (preferred_username !== undefined && !(isText(azp) && preferred_username === accountName(azp))) return undefined;
  const named = new Set(clientClaims.map((name) => claims[name]).filter((client) => client !== undefined));
  if (named.size > 1) return undefined;
  const clients = new Set(forms.map((form) => form(claims)).filter(isText));
  return clients.size === 1 ? [...clients][0] : undefined;
}

/** Keycloak's user of a client's service account; it keeps user names in lower case. */
function accountName(client: string): string {
  return `service-account-${client.toLowerCase()}`;
}
