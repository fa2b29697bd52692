import { openedLine } from '../../audit/index.ts';
import { type DenialReason, type GateRequest, grpcAnswer, type Permit, type ProblemOptions } from '../../gate/index.ts';
import type { OpenStream } from '../engine.ts';
import { Answered, type UpstreamFields } from './answered.ts';
import { AnyGrpcCall } from './any-grpc-call.ts';
import type { Arrival } from './call.ts';
import type { Ending } from './ending.ts';
import type { StreamExchange } from './exchange.ts';
import { spanOf, traceIdOf } from './fields.ts';
import { lastMessageMs, lastWordsMs } from './limits.ts';
import type { OpenCall } from './open-calls.ts';
import type { Scene } from './scene.ts';
import { type Streaming, StreamPassage } from './stream-passage.ts';

/**
 * One gRPC call of any of the four kinds to a service whose messages aren't looked at: decided at its head, then its messages pass as
 * they come. What ends it later than that, whoever does, ends it with a status that says why.
 */
export class StreamCall extends AnyGrpcCall implements Streaming, OpenCall {
  declare readonly exchange: StreamExchange;
  permit!: Permit;
  place = -1;
  askMs = 0;
  #passage: StreamPassage | undefined;
  #answered: UpstreamFields | undefined;

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
    this.permit = permit;
    this.#answered = answered;
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

  /** An answer that has begun ends with trailers, and not within a message where that can be helped. */
  override refuse(reason: DenialReason, options?: ProblemOptions): void {
    const passage = this.#passage;
    if (passage?.hasBegun !== true) {
      super.refuse(reason, options);
      return;
    }
    const isHalfSent = passage.isMoving && !passage.toClient.isBetween;
    // Nothing more is taken of a message that is too large.
    if (isHalfSent && passage.onWhole === undefined && reason !== 'body-too-large') {
      const late = setTimeout(() => this.#finish(passage, reason, options), lastMessageMs).unref();
      passage.onWhole = () => {
        clearTimeout(late);
        this.#finish(passage, reason, options);
      };
    } else this.#finish(passage, reason, options);
  }

  /** It is told of as open, and held to the policy from now on. */
  opened(): boolean {
    const { scene, fields, requestId, exchange } = this;
    const { openCalls } = scene;
    if (openCalls === undefined || !(this.#answered instanceof Answered)) return false;
    const { traceparent } = fields;
    const traceId = traceIdOf(traceparent);
    const said = { requestId, timeMs: this.sinceMs, worker: scene.worker, address: exchange.address, traceId };
    const span = traceId === null ? {} : { span: spanOf(traceparent as string) };
    scene.spool.note(openedLine({ ...said, ...span }, this.#answered.core));
    openCalls.add(this);
    return true;
  }

  look(nowMs: number): void {
    this.#passage?.silence(nowMs);
  }

  /** When it came, milliseconds since the epoch. */
  get sinceMs(): number {
    return Math.round(this.scene.clock.now() - (performance.now() - this.startedMs));
  }

  asked(): GateRequest {
    return this.request();
  }

  described(): OpenStream {
    const { requestId, sinceMs, messagesIn, messagesOut } = this;
    const { operation, identity } = this.permit.fields;
    const { bytesIn = 0, bytesOut = 0 } = this.#passage ?? {};
    const counted = { bytesIn, bytesOut, messagesIn: messagesIn ?? 0, messagesOut: messagesOut ?? 0 };
    const method = this.exchange.target.slice(1);
    return { requestId, service: operation.service, method, caller: identity?.subject ?? null, sinceMs, ...counted };
  }

  protected override get messagesIn(): number | undefined {
    return this.#passage?.toReplica.messages;
  }

  protected override get messagesOut(): number | undefined {
    return this.#passage?.toClient.messages;
  }

  protected override get firstMs(): number | undefined {
    const { firstMs = 0 } = this.#passage ?? {};
    return firstMs === 0 ? undefined : firstMs - this.startedMs;
  }

  protected override write(ending: Ending): void {
    this.bytesIn = this.#passage?.bytesIn ?? 0;
    if (this.place >= 0) this.scene.openCalls?.delete(this);
    super.write(ending);
  }

  #finish(passage: StreamPassage, reason: DenialReason, options: ProblemOptions | undefined): void {
    const { exchange, requestId } = this;
    const { endpoint, tries } = this.soFar;
    const fields = grpcAnswer(reason, requestId, options).headers.filter(([name]) => name !== 'content-type');
    const trailers = fields.flat();
    const carried = { ...(endpoint !== undefined && { endpoint }), ...(tries !== undefined && { tries }) };
    const release = (): void => {
      exchange.end(undefined, trailers);
      // Before a client that doesn't read what came before.
      setTimeout(() => exchange.conclude(trailers), lastWordsMs).unref();
    };
    this.end({ status: 200, bytesOut: passage.bytesOut, reason, ...carried, release });
  }
}
