import type { EngineName } from '../../../src/plan/types.ts';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
import { startTestIssuer, type TestIssuer } from './issuer.ts';
import type { Bindings } from './texts.ts';
import { type RecordingUpstream, startRecordingUpstream } from './upstream.ts';

/** An engine between an issuer and a replica. */
export interface Stage {
  readonly issuer: TestIssuer;
  readonly upstream: RecordingUpstream;
  readonly gateway: Gateway;
}

export interface StageOptions extends GatewayOptions {
  readonly engine: EngineName;
  readonly policy: string;
  /** What differs from the plain ones. */
  readonly bindings?: Partial<Bindings>;
}

/** Opens one whose issuer is for `headgate`, in production. */
export async function openStage(
  opened: AsyncDisposableStack,
  { engine, policy, bindings, ...options }: StageOptions,
): Promise<Stage> {
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
  const plain = { environment: 'prod', issuers: [issuer.url], upstreamPorts: [upstream.port] };
  const gateway = await startGateway(engine, policy, { ...plain, ...bindings }, options);
  return { issuer, upstream, gateway: opened.adopt(gateway, (it) => it.stop()) };
}
