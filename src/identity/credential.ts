import { credentialBytesMax } from '../std/limits.ts';
import { fault } from './fault.ts';
import type { Fault } from './types.ts';

export type Credential = { readonly kind: 'anonymous' } | { readonly kind: 'bearer'; readonly token: string } | Fault;

const anonymous: Credential = { kind: 'anonymous' };

/** The one credential of a request. `headers` raw: name, value, name, value… */
export function credentialOf(headers: readonly string[]): Credential {
  let authorization: string | undefined;
  let others = 0;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (name.length !== 13 && name.length !== 19) continue;
    const lower = name.toLowerCase();
    if (lower === 'proxy-authorization') others++;
    else if (lower === 'authorization') {
      if (authorization !== undefined) others++;
      authorization = headers[index + 1] ?? '';
    }
  }
  if (authorization === undefined) return anonymous;
  return others > 0 ? fault('credential-ambiguous', 'more than one credential field') : bearer(authorization);
}

/** RFC 6750, section 2.1, with `1*SP` and the scheme in any case, as RFC 9110, section 11.4, has it. */
function bearer(value: string): Credential {
  if (value.length > credentialBytesMax) return fault('credential-malformed', 'too long');
  const match = /^([^ ]*) +([^ ]+)$/.exec(value);
  if (match === null) return fault('credential-malformed', 'not a scheme and one token');
  const [, scheme = '', token = ''] = match;
  if (scheme.toLowerCase() !== 'bearer') return fault('credential-malformed', 'scheme is not Bearer');
  return { kind: 'bearer', token };
}
