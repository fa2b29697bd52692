import { accessEpoch } from '../epoch.ts';
import type { AccessPlan, Plan } from '../types.ts';

const reads = { headers: ['x-region'], address: false, time: false };

/** A Plan in which everything occurs once. */
export const sampleAccess: AccessPlan = {
  environment: 'dev',
  identities: [
    {
      name: 'staff',
      kind: 'oidc',
      issuers: ['https://id.example'],
      audience: ['headgate'],
      groupsClaim: ['groups'],
      algorithms: ['RS256'],
      types: ['jwt', ''],
      skewSeconds: 30,
    },
  ],
  groups: [{ name: 'leads', anyOf: [{ allOf: [{ identity: 'staff', group: ['leads'], subject: ['ann'] }] }] }],
  services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['finance'] }],
  rules: [
    {
      index: 0,
      name: 'leads predict',
      effect: 'allow',
      file: 'headgate.yaml',
      line: 9,
      callers: { kind: 'groups', names: ['leads'] },
      actions: { kind: 'actions', names: ['predict'] },
      resources: [{ service: 'scoring', segments: ['**'] }],
      when: { cel: 'request.headers["x-region"] == "eu"', reads },
      unless: [],
      limits: [{ count: 10, periodMs: 1000, burst: 10, per: 'caller' }],
    },
    {
      index: 1,
      name: 'nobody else',
      effect: 'deny',
      file: 'headgate.yaml',
      line: 14,
      callers: { kind: 'anyone' },
      actions: { kind: 'any' },
      resources: [{ service: 'scoring', segments: ['finance'] }],
      unless: [{ groups: ['leads'] }],
      limits: [],
    },
  ],
  reads: { scoring: reads },
};

/** A whole Plan around an access part. */
export function samplePlan(access: AccessPlan = sampleAccess): Plan {
  return {
    format: 1,
    environment: access.environment,
    engine: 'embedded',
    epoch: accessEpoch(access),
    access,
    listeners: [
      {
        name: 'public',
        address: { host: '127.0.0.1', port: 8080 },
        tls: { certificate: 'tls/cert.pem', key: 'tls/key.pem' },
        routes: [{ host: 'scoring.example', pathPrefix: '/scoring', strip: true, service: 'scoring' }],
      },
    ],
    upstreams: [
      {
        service: 'scoring',
        endpoints: [{ rest: { host: '127.0.0.1', port: 8501 }, grpc: { host: '127.0.0.1', port: 8500 } }],
      },
    ],
    audit: { directory: 'var/audit', record: 'required' },
    bounds: { bodyBytesMax: 64 * 1024 * 1024 },
    admin: { host: '127.0.0.1', port: 9900 },
    state: 'var',
  };
}
