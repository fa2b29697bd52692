import { z } from 'zod';
import { connectionAge } from './connection-age.ts';
import {
  checkEndpoint,
  checkEnvironment,
  checkIdentityBinding,
  checkListener,
  checkListeners,
  checkRoute,
  checkRoutes,
} from './environment-checks.ts';
import {
  addressFault,
  endpointFault,
  hostFault,
  issuerFault,
  pathFault,
  pathPrefixFault,
  sizeFault,
} from './environment-faults.ts';
import { name, text } from './leaves.ts';
import { exactlyOneOf, later, laterFault, note, notes } from './notes.ts';
import { gateways } from './relay.ts';
import { telemetry } from './telemetry.ts';
import { trafficKeys } from './traffic.ts';
import { version } from './version.ts';
import { boundModels } from './versions.ts';

const hostPortForm = /^(\[[0-9A-Fa-f:.]+\]|[^:/\s[\]]+):[0-9]{1,5}$/;
const endpointForm = /^(\[[0-9A-Fa-f:.]+\]|(dns:)?[^:/\s[\]]+):[0-9]{1,5}$/;

const listenAddress = text('an address such as `127.0.0.1:8080`', (written) => addressFault(written, 0), {
  pattern: hostPortForm,
  hint: 'such as `127.0.0.1:8080` or `[::1]:8080`',
  description: 'Host and port. Port 0: a free one.',
});

const endpointAddress = text('an address such as `127.0.0.1:8501`', endpointFault, {
  pattern: endpointForm,
  hint: 'such as `127.0.0.1:8501`',
  description: 'Host and port. With `dns:` before them, each address of the name is a replica.',
});

const pathOf = (what: string) => text(what, pathFault);

const tls = z
  .strictObject({
    certificate: pathOf('the path of a certificate'),
    key: pathOf('the path of a key'),
    clients: later('client certificates'),
  })
  .register(
    notes,
    note({
      what: 'a map of `certificate` and `key`',
      within: '`tls`',
      hint: 'write `tls: { certificate: tls/cert.pem, key: tls/key.pem }`',
    }),
  );

const route = z
  .strictObject({
    host: text('a host name', hostFault).optional().describe('Host that the request names, without its port.'),
    path: text('a path such as `/prefect/**`', pathPrefixFault, {
      pattern: /^(\/[A-Za-z0-9._~-]+)+\/\*\*$|^\/\*\*$/,
      description: 'Prefix of whole segments.',
    }).optional(),
    service: name('a service', { addresses: true }),
    strip: z
      .boolean()
      .register(notes, note({ what: '`true` or `false`', hint: 'write `true` or `false`, without quotes' }))
      .optional()
      .describe('Whether the prefix is taken away before the call goes on. Default false.'),
  })
  .register(notes, note({ what: 'a route', hint: 'write `{ host: …, service: … }`', checkMap: checkRoute }));

const listener = z
  .strictObject({
    name: name('a listener', { addresses: true }),
    address: listenAddress,
    tls: tls.optional(),
    routes: z
      .array(route)
      .min(1)
      .meta({ description: 'Tried in order. Left out where there is one service.' })
      .register(notes, note({ what: 'a list of routes', checkItems: checkRoutes }))
      .optional(),
    connectionAge: connectionAge
      .optional()
      .describe('When connections of HTTP/2 end, so that clients spread anew. Default: never.'),
    proxies: later('trusted proxies'),
  })
  .register(
    notes,
    note({ what: 'a listener', hint: 'write `{ name: public, address: 127.0.0.1:8080 }`', checkMap: checkListener }),
  );

const issuer = text('the URL of an issuer', issuerFault, {
  hint: 'one URL in quotes or plain; several go under `issuers`',
});

const identityBinding = z
  .strictObject({
    issuer: issuer.optional().describe('URL of the OpenID Provider; http on loopback only.'),
    issuers: z.array(issuer).min(1).optional().describe('Several providers; their subjects are kept apart.'),
    gateways: gateways.optional().describe('Gateways whose assertions are believed.'),
    accounts: later('AWS identities'),
    trustDomain: later('SPIFFE identities'),
    cluster: later('Kubernetes identities'),
  })
  .meta(exactlyOneOf('issuer', 'issuers', 'gateways'))
  .register(
    notes,
    note({ what: 'the binding of an identity', hint: 'write `{ issuer: https://… }`', checkMap: checkIdentityBinding }),
  );

const plainEndpoint = endpointAddress;

const endpoint = z
  .strictObject({ rest: endpointAddress.optional(), grpc: endpointAddress.optional() })
  .meta({
    minProperties: 1,
    description:
      'One replica: its REST and its gRPC address. A gRPC service has that alone, and then it is written plainly.',
  })
  .register(notes, note({ what: 'an endpoint', checkMap: checkEndpoint }));

const serviceBinding = z
  .strictObject({
    endpoints: z
      .array(z.union([endpoint, plainEndpoint]))
      .min(1)
      .register(notes, note({ what: 'a list of endpoints', hint: 'write `endpoints: [ { rest: 127.0.0.1:8501 } ]`' })),
    ...trafficKeys,
    credentials: later('credentials of services'),
    models: boundModels.optional().describe('Which numbers the versions have that the policy names.'),
    tls: later('TLS to services', { one: true }),
  })
  .register(
    notes,
    note({ what: 'the binding of a service', hint: 'write `{ endpoints: [ { rest: 127.0.0.1:8501 } ] }`' }),
  );

const audit = z
  .strictObject({
    directory: pathOf('the path of a folder').describe('Folder of the hash-chained records.'),
    record: z
      .enum(['required', 'best-effort'])
      .describe('required: what cannot be recorded is not served. best-effort: losses are counted.')
      .register(notes, note({ what: 'how calls are recorded' })),
    sinks: later('further audit sinks'),
  })
  .register(
    notes,
    note({
      what: 'a map of `directory` and `record`',
      within: '`audit`',
      hint: 'write `audit: { directory: var/audit, record: required }`',
    }),
  );

const bounds = z
  .strictObject({
    body: text('a size such as `64MB`', sizeFault, {
      pattern: /^[1-9][0-9]{0,9}(B|kB|MB|GB)$/,
      description: 'Largest request body, of REST and of gRPC; larger is refused. Default 64MB; 64kB to 2047MB.',
    }).optional(),
  })
  .register(notes, note({ what: 'a map of bounds', within: '`bounds`', hint: 'write `bounds: { body: 64MB }`' }));

/** One environment: `environments/<name>.yaml`. */
export const environmentSchema = z
  .strictObject({
    version,
    environment: name('an environment', { addresses: true }).describe('Name that the `in` of a rule uses.'),
    gateway: name('a gateway', { addresses: true })
      .describe('Name of this gateway, where several are of one environment: it joins the issuer of its assertions.')
      .optional(),
    engine: z.enum(['embedded', 'haproxy']).register(
      notes,
      note({
        what: 'an engine',
        laterValues: {
          nginx: laterFault('the nginx engine', { one: true }),
          lighttpd: laterFault('the lighttpd engine', { one: true }),
        },
      }),
    ),
    listeners: z
      .array(listener)
      .min(1)
      .register(
        notes,
        note({
          what: 'a list of listeners',
          hint: 'start each listener with `- name: …`',
          checkItems: checkListeners,
        }),
      ),
    identity: z
      .record(name('an identity', { addresses: true }), identityBinding)
      .register(notes, note({ what: 'a map of identities' }))
      .optional(),
    services: z
      .record(name('a service', { addresses: true }), serviceBinding)
      .meta({ minProperties: 1 })
      .register(notes, note({ what: 'a map of services' })),
    bounds: bounds.optional(),
    audit,
    admin: listenAddress.describe('Address of /readyz, /metrics and status; loopback only.'),
    state: pathOf('the path of a folder')
      .describe('Where Headgate keeps keys and the files of engines. Default `var`.')
      .optional(),
    grants: later('grants'),
    trust: later('trust roots'),
    telemetry: telemetry.optional(),
  })
  .register(notes, note({ what: 'an environment', checkMap: checkEnvironment }));

export type EnvironmentFile = z.infer<typeof environmentSchema>;
