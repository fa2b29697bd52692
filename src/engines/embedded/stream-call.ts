import { type DenialReason, grpcAnswer, type Permit, type ProblemOptions } from '../../gate/index.ts';
import type { UpstreamFields } from './answered.ts';
import { AnyGrpcCall } from './any-grpc-call.ts';
import type { Arrival } from './call.ts';
import type { Ending } from './ending.ts';
import type { StreamExchange } from './exchange.ts';
import type { Scene } from './scene.ts';
import { type Streaming, StreamPassage } from './stream-passage.ts';

/**
 * One gRPC call of any of the four kinds to a service whose messages aren't looked at: decided at its head, then its messages pass as
 * they come. What ends it later than that, whoever does, ends it with a status that says why.
 */
export class StreamCall extends AnyGrpcCall implements Streaming {
  declare readonly exchange: StreamExchange;
  #passage: StreamPassage | undefined;

  constructor(scene: Scene, listener: string, exchange: StreamExchange, arrival?: Arrival) {
    super(scene, listener, exchange, arrival);
    this.message = {};
  }

  protected override begin(): void {
    if (this.readPatience()) this.ask();
    else this.refuse('request-malformed');
  }

  protected override carry(permit: Permit, answered: UpstreamFields): void {
    const { boarding, carriages, grpcUpstreams, wheel, plan } = this.scene;
    const { service } = permit.fields.operation;
    if (boarding.turnsAway(permit)) {
      this.refuse('queue-full');
      return;
    }
    this.exchange.isPatient = true;
    boarding.carry(this, {
      permit,
      held: undefined,
      dial: () => {
        const passage = new StreamPassage(this, {
          permit,
          answered,
          upstreams: grpcUpstreams,
          carriage: carriages.of(service),
          wheel,
          messageBytesMax: plan.bounds.bodyBytesMax,
        });
        this.#passage = passage;
        passage.start();
        return passage;
      },
    });
  }

  /** An answer that has begun ends with trailers. */
  override refuse(reason: DenialReason, options?: ProblemOptions): void {
    if (this.#passage?.hasBegun !== true) {
      super.refuse(reason, options);
      return;
    }
    const { exchange, requestId } = this;
    const { endpoint, tries } = this.soFar;
    const trailers = grpcAnswer(reason, requestId, options).headers.filter(([name]) => name !== 'content-type');
    const carried = { ...(endpoint !== undefined && { endpoint }), ...(tries !== undefined && { tries }) };
    const { bytesOut } = this.#passage;
    this.end({ status: 200, bytesOut, reason, ...carried, release: () => exchange.conclude(trailers.flat()) });
  }

  protected override write(ending: Ending): void {
    this.bytesIn = this.#passage?.bytesIn ?? 0;
    super.write(ending);
  }
}
