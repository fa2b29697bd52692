import type { EngineName } from '../../../src/plan/types.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../../support/grpc-upstream.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type HeldUpstream, startHeldUpstream } from './held-upstream.ts';
import { startTestIssuer, type TestIssuer } from './issuer.ts';

/** An engine before a replica that answers when it is told to, over REST and gRPC. */
export interface HeldStage {
  readonly issuer: TestIssuer;
  readonly upstream: HeldUpstream;
  readonly grpc: GrpcUpstream;
  readonly gateway: Gateway;
}

/** `service`: a line of the service's in the environment. */
export async function openHeldStage(
  opened: AsyncDisposableStack,
  { engine, policy, service }: { readonly engine: EngineName; readonly policy: string; readonly service: string },
): Promise<HeldStage> {
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const upstream = opened.adopt(await startHeldUpstream(), (it) => it.close());
  const grpc = opened.adopt(await startGrpcUpstream(), (it) => it.close());
  const bindings = {
    ...{ environment: 'prod', issuers: [issuer.url] },
    ...{ upstreamPorts: [upstream.port], grpcPorts: [grpc.port], service: [service] },
  };
  const gateway = opened.adopt(await startGateway(engine, policy, bindings), (it) => it.stop());
  return { issuer, upstream, grpc, gateway };
}
