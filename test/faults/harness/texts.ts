import type { FaultIssuer } from './issuer.ts';

export const demoTarget = '/v1/models/demo:predict';

/** Group `users` predicts with `demo`, and nobody else does anything. */
export const demoPolicy = `
version: 1
identity:
  staff: { oidc: { audience: headgate, groupsClaim: groups } }
groups:
  users: [ { staff: { group: users } } ]
services:
  scoring: { protocol: tensorflow-serving, models: { demo: {} } }
rules:
  - { name: users predict, allow: [users], to: predict, at: scoring/demo }
`;

export function identityLine({ url }: FaultIssuer): string {
  return `identity: { staff: { issuer: ${url} } }`;
}

export function scoringLine(ports: readonly number[]): string {
  return `services: { scoring: { endpoints: [ ${ports.map((port) => `{ rest: 127.0.0.1:${port} }`).join(', ')} ] } }`;
}
