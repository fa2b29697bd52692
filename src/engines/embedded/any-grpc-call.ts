import { type DenialReason, grpcAnswer, type ProblemOptions } from '../../gate/index.ts';
import { grpcTimeoutMs } from '../../wire/index.ts';
import { Call, type Refusal } from './call.ts';

/** What all gRPC calls have in common, whatever becomes of their messages. */
export abstract class AnyGrpcCall extends Call {
  #patienceMs = Number.POSITIVE_INFINITY;

  /** False: its `grpc-timeout` is none. */
  protected readPatience(): boolean {
    const { grpcTimeout } = this.fields;
    if (grpcTimeout === undefined) return true;
    const patienceMs = grpcTimeoutMs(grpcTimeout);
    this.#patienceMs = patienceMs ?? Number.POSITIVE_INFINITY;
    return patienceMs !== undefined;
  }

  protected override get patienceMs(): number {
    return this.#patienceMs;
  }

  protected override refusal(reason: DenialReason, options?: ProblemOptions): Refusal {
    const { status, headers } = grpcAnswer(reason, this.requestId, options);
    return { status, fields: ['x-headgate-request-id', this.requestId, ...headers.flat()], body: undefined };
  }
}
