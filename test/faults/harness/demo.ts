import { startRecordingUpstream } from '../../conformance/harness/upstream.ts';
import { FaultGateway, type GatewayOptions } from './gateway.ts';
import { FaultIssuer } from './issuer.ts';
import { demoPolicy, identityLine, scoringLine } from './texts.ts';

/** A gateway under `demoPolicy` before a replica, and its issuer. */
export interface Demo {
  readonly issuer: FaultIssuer;
  readonly gateway: FaultGateway;
}

/** The issuer is up; the gateway is yet to be started. */
export async function openDemo(
  opened: AsyncDisposableStack,
  options: Omit<GatewayOptions, 'policy' | 'bindings'>,
): Promise<Demo> {
  const issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
  await issuer.up();
  const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
  const bindings = [identityLine(issuer), scoringLine([upstream.port])];
  const gateway = await FaultGateway.make({ ...options, policy: demoPolicy, bindings });
  return { issuer, gateway: opened.adopt(gateway, (it) => it.remove()) };
}
