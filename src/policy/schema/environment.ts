import { isIP } from 'node:net';
import { z } from 'zod';
import { isDnsName, isLoopback, parseHostPort } from '../../std/host-port.ts';
import { hasInvisible } from '../../std/invisible.ts';
import { shown } from '../shown.ts';
import {
  checkEndpoint,
  checkEnvironment,
  checkIdentityBinding,
  checkListener,
  checkListeners,
  checkRoute,
  checkRoutes,
} from './environment-checks.ts';
import { name, text } from './leaves.ts';
import { type Fault, later, laterFault, note, notes } from './notes.ts';
import { version } from './version.ts';

const hostPortForm = /^(\[[0-9A-Fa-f:.]+\]|[^:/\s[\]]+):[0-9]{1,5}$/;

const listenAddress = text('an address such as `127.0.0.1:8080`', (written) => addressFault(written, 0), {
  pattern: hostPortForm,
  description: 'Host and port. Port 0: a free one.',
});

const endpointAddress = text('an address such as `127.0.0.1:8501`', endpointFault, {
  pattern: hostPortForm,
  description: 'Host and port.',
});

const pathOf = (what: string) => text(what, pathFault(what));

const tls = z
  .strictObject({
    certificate: pathOf('the path of a certificate'),
    key: pathOf('the path of a key'),
    clients: later('client certificates'),
  })
  .register(notes, note({ what: '`tls`', hint: 'write `tls: { certificate: tls/cert.pem, key: tls/key.pem }`' }));

const route = z
  .strictObject({
    host: text('a host name', hostFault).optional(),
    path: text('a path such as `/prefect/**`', pathPrefixFault, {
      pattern: /^(\/[A-Za-z0-9._~-]+)+\/\*\*$|^\/\*\*$/,
    }).optional(),
    service: name('a service', { addresses: true }),
    strip: z
      .boolean()
      .register(notes, note({ what: '`true` or `false`' }))
      .optional(),
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
    proxies: later('trusted proxies'),
  })
  .register(
    notes,
    note({ what: 'a listener', hint: 'write `{ name: public, address: 127.0.0.1:8080 }`', checkMap: checkListener }),
  );

const issuer = text('the URL of an issuer', issuerFault);

const identityBinding = z
  .strictObject({
    issuer: issuer.optional(),
    issuers: z.array(issuer).min(1).optional(),
    accounts: later('AWS identities'),
    trustDomain: later('SPIFFE identities'),
    cluster: later('Kubernetes identities'),
  })
  .meta({ oneOf: [{ required: ['issuer'] }, { required: ['issuers'] }] })
  .register(
    notes,
    note({ what: 'the binding of an identity', hint: 'write `{ issuer: https://… }`', checkMap: checkIdentityBinding }),
  );

const plainEndpoint = z.never().register(
  notes,
  note({
    later: laterFault('endpoints of Prefect and gRPC services', {
      hint: 'for TensorFlow Serving write `{ rest: 127.0.0.1:8501 }`',
    }),
  }),
);

const endpoint = z
  .strictObject({ rest: endpointAddress.optional(), grpc: endpointAddress.optional() })
  .meta({ required: ['rest'], description: 'One replica: its REST and its gRPC address.' })
  .register(notes, note({ what: 'an endpoint', checkMap: checkEndpoint }));

const serviceBinding = z
  .strictObject({
    endpoints: z
      .array(z.union([endpoint, plainEndpoint]))
      .min(1)
      .register(notes, note({ what: 'a list of endpoints', hint: 'write `endpoints: [ { rest: 127.0.0.1:8501 } ]`' })),
    health: later('health checks'),
    credentials: later('credentials of services'),
    models: later('versions of models'),
    tls: later('TLS to services', { one: true }),
    queue: later('queues'),
    retries: later('retries'),
  })
  .register(
    notes,
    note({ what: 'the binding of a service', hint: 'write `{ endpoints: [ { rest: 127.0.0.1:8501 } ] }`' }),
  );

const audit = z
  .strictObject({
    directory: pathOf('the path of a folder'),
    record: z
      .enum(['required', 'best-effort'])
      .describe('required: what cannot be recorded is not served. best-effort: losses are counted.')
      .register(notes, note({ what: 'how calls are recorded' })),
    sinks: later('further audit sinks'),
  })
  .register(notes, note({ what: '`audit`', hint: 'write `audit: { directory: var/audit, record: required }`' }));

/** One environment: `environments/<name>.yaml`. */
export const environmentSchema = z
  .strictObject({
    version,
    environment: name('an environment', { addresses: true }),
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
    audit,
    admin: listenAddress,
    state: pathOf('the path of a folder')
      .describe('Where Headgate keeps keys and the files of engines. Default `var`.')
      .optional(),
    grants: later('grants'),
    trust: later('trust roots'),
    telemetry: later('telemetry exporters'),
  })
  .register(notes, note({ what: 'an environment', checkMap: checkEnvironment }));

export type EnvironmentFile = z.infer<typeof environmentSchema>;

function addressFault(written: string, portMin: number): Fault | undefined {
  const address = parseHostPort(written);
  const hint = 'such as `127.0.0.1:8080` or `[::1]:8080`';
  if ('fault' in address)
    return { code: 'HG1302', message: `the address \`${shown(written)}\` ${address.fault}`, hint };
  if (address.port < portMin) return { code: 'HG1302', message: 'port 0 is no port of an endpoint', hint };
  return undefined;
}

function endpointFault(written: string): Fault | undefined {
  if (written.startsWith('dns:'))
    return laterFault('endpoints found by DNS', { hint: 'list each replica with its address' });
  if (written.startsWith('unix:') || written.startsWith('/')) return laterFault('endpoints on unix sockets');
  return addressFault(written, 1);
}

function pathFault(what: string): (written: string) => Fault | undefined {
  return (written) => {
    if (written.trim() === '') return { code: 'HG1309', message: `${what} is empty` };
    if (hasInvisible(written)) return { code: 'HG1309', message: `${what} holds a control character` };
    return undefined;
  };
}

function hostFault(written: string): Fault | undefined {
  if (written.includes('*')) return { ...laterFault('patterns of hosts'), hint: 'write one route for each host' };
  const bare = written.startsWith('[') && written.endsWith(']') ? written.slice(1, -1) : written;
  if (isIP(bare) !== 0 || isDnsName(written)) return undefined;
  const hint = 'a DNS name or IP address without scheme, port and path: `scoring.example.test`';
  return { code: 'HG1307', message: `\`${shown(written)}\` is not a host`, hint };
}

function pathPrefixFault(written: string): Fault | undefined {
  if (/^(\/[A-Za-z0-9._~-]+)*\/\*\*$/.test(written) && !/\/\.\.?\//.test(written)) return undefined;
  const hint = 'whole segments, then `/**`: `/prefect/**`; no regular expressions, no escapes';
  return { code: 'HG1307', message: `\`${shown(written)}\` is not a path prefix`, hint };
}

function issuerFault(written: string): Fault | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const hint = 'the URL that the provider itself states as `issuer`, such as `https://id.example.test/realms/staff`';
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { code: 'HG1304', message: `\`${shown(written)}\` is not the https URL of an issuer`, hint };
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '' || /[?#]/.test(written)) {
    return { code: 'HG1304', message: 'an issuer has no user, query or fragment', hint };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    return {
      code: 'HG1305',
      message: `the issuer \`${shown(written)}\` is reached in the clear`,
      hint: 'write `https://…`; http is for loopback only',
    };
  }
  return undefined;
}
