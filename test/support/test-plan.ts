import type { AccessPlan, Plan, RulePlan } from '../../src/plan/types.ts';

/** A small whole Plan: one listener, one service with the models `m` and `n`, no identity, no rule. */
export function testPlan(access: Partial<AccessPlan>): Plan {
  return {
    format: 1,
    environment: 'dev',
    engine: 'embedded',
    epoch: '0123456789abcdef',
    access: {
      environment: 'dev',
      identities: [],
      groups: [],
      services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'n'] }],
      rules: [],
      reads: {},
      ...access,
    },
    listeners: [
      { name: 'public', address: { host: '127.0.0.1', port: 0 }, routes: [{ service: 'scoring', strip: false }] },
    ],
    upstreams: [{ service: 'scoring', endpoints: [{ rest: { host: '127.0.0.1', port: 8501 } }] }],
    audit: { directory: 'var/audit', record: 'required' },
    bounds: { bodyBytesMax: 64 * 1024 * 1024 },
    admin: { host: '127.0.0.1', port: 0 },
    state: 'var',
  };
}

/** A rule that stands first and lets anyone do anything with `scoring/m`. */
export function testRule(changes: Partial<RulePlan>): RulePlan {
  return {
    index: 0,
    name: 'a rule',
    effect: 'allow',
    file: 'headgate.yaml',
    line: 31,
    callers: { kind: 'anyone' },
    actions: { kind: 'any' },
    resources: [{ service: 'scoring', segments: ['m'] }],
    unless: [],
    limits: [],
    ...changes,
  };
}
