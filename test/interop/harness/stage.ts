import { makeKeys } from '../../conformance/harness/keys.ts';
import { FaultGateway, type GatewayOptions } from '../../faults/harness/gateway.ts';
import { FaultIssuer } from '../../faults/harness/issuer.ts';
import type { Fields } from './js-client.ts';

/** `./headgate up` before a gRPC service. */
export interface InteropStage {
  readonly gateway: FaultGateway;
  /** Metadata with the API key `caller`, whom the policy lets call. */
  readonly key: Fields;
  /** With the API key `stranger`, whom no rule names. */
  readonly stranger: Fields;
  /** With a token of `alice`, who is let call, too. */
  readonly token: Fields;
}

export interface InteropOptions extends Pick<GatewayOptions, 'engine' | 'tls'> {
  readonly policy: string;
  /** `streams: { endpoints: [127.0.0.1:1] }` */
  readonly service: string;
}

export async function openInterop(
  opened: AsyncDisposableStack,
  { engine, tls, policy, service }: InteropOptions,
): Promise<InteropStage> {
  const issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
  await issuer.up();
  const bindings = [`identity: { staff: { issuer: ${issuer.url} } }`, `services: { ${service} }`];
  const made = await FaultGateway.make({ engine, policy, bindings, ...(tls !== undefined && { tls }) });
  const gateway = opened.adopt(made, (it) => it.remove());
  const keys = makeKeys(gateway.folder, {
    caller: { name: 'caller', state: 'valid' },
    stranger: { name: 'stranger', state: 'valid' },
  });
  await gateway.start();
  const withKey = (label: string): Fields => ({ authorization: `Bearer ${keys.get(label)}` });
  const [, token = ''] = issuer.credential('alice');
  return { gateway, key: withKey('caller'), stranger: withKey('stranger'), token: { authorization: token } };
}

/** Policy of a gRPC service whose callers may make calls `at` these places. */
export function callersPolicy(service: string, places: readonly string[], more: readonly string[] = []): string {
  return [
    'version: 1',
    'identity: { staff: { oidc: { audience: headgate, groupsClaim: groups } }, keys: { apiKeys: {} } }',
    'groups: { callers: [ { keys: { name: caller } }, { staff: { group: users } } ] }',
    `services: { ${service}: { protocol: grpc } }`,
    'rules:',
    ...places.map((place) => `  - { name: callers at ${place}, allow: callers, to: call, at: "${service}/${place}" }`),
    ...more.map((rule) => `  - ${rule}`),
    '',
  ].join('\n');
}
