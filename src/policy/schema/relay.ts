import { z } from 'zod';
import { isLoopback } from '../../std/host-port.ts';
import { chainHopsMax } from '../../std/limits.ts';
import { shown } from '../shown.ts';
import { name, oneOrMany, text } from './leaves.ts';
import { type Fault, note, notes } from './notes.ts';

/** Gateways whose assertions are believed, and who may present them: in the policy. */
export const headgate = z
  .strictObject({
    hops: z
      .record(name('a service'), oneOrMany(name('a group', { reserved: ['any', 'anyone'] })))
      .meta({
        minProperties: 1,
        description:
          'Who may call on with the assertion that the other gateway made for a service: the groups that this service itself calls as.',
      })
      .register(
        notes,
        note({
          what: 'a map of services and groups',
          within: '`hops`',
          hint: 'write `hops: { orders: [orders-service] }`: the service, and the groups that it calls as',
        }),
      ),
    hopsMax: z
      .int()
      .min(1)
      .max(chainHopsMax)
      .register(notes, note({ what: 'a whole number from 1', hint: `at most ${chainHopsMax}` }))
      .optional()
      .describe('Services between the first caller and the service that is called, at most. Default 4.'),
  })
  .register(
    notes,
    note({ what: 'an identity of gateways', hint: 'write `headgate: { hops: { orders: [orders-service] } }`' }),
  );

const issuerForm = /^urn:headgate:[A-Za-z0-9][A-Za-z0-9_.:-]*$/;

const gateway = z
  .strictObject({
    issuer: text('the issuer of a gateway', gatewayFault, {
      pattern: issuerForm,
      description: '`iss` of its assertions: `urn:headgate:` and the name of its environment.',
    }),
    keys: text('the URL of a key set', keysFault)
      .optional()
      .describe('URL of its key set (JWKS); http on loopback only. Left out for this gateway itself.'),
  })
  .register(
    notes,
    note({
      what: 'a gateway',
      hint: 'write `{ issuer: urn:headgate:edge, keys: https://…/.well-known/jwks.json }`',
    }),
  );

/** The same gateways as an environment binds them. */
export const gateways = z
  .array(gateway)
  .min(1)
  .register(
    notes,
    note({
      what: 'a list of gateways',
      hint: 'write `gateways: [ { issuer: urn:headgate:edge, keys: https://…/.well-known/jwks.json } ]`',
    }),
  );

function gatewayFault(written: string): Fault | undefined {
  if (issuerForm.test(written)) return undefined;
  const hint = '`urn:headgate:` and the name of its environment: `urn:headgate:edge`';
  return { code: 'HG1313', message: `\`${shown(written)}\` is not the issuer of a gateway`, hint };
}

/** Whoever can change the answer can be anyone. */
function keysFault(written: string): Fault | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const hint = 'the address at which the gateway’s `/.well-known/jwks.json` is read';
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { code: 'HG1313', message: `\`${shown(written)}\` is not the https URL of a key set`, hint };
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return { code: 'HG1313', message: 'the URL of a key set has no user and no fragment', hint };
  }
  if (url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) return undefined;
  const plain = 'write `https://…`; http is for loopback only';
  return { code: 'HG1313', message: `the key set \`${shown(written)}\` is read in the clear`, hint: plain };
}
