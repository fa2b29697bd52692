import { type Permit, requestFault } from '../../gate/index.ts';
import { chosenVersionBytes, frameHeadBytes, MessageWalk, tasksWithVersion, type WalkKind } from '../../wire/index.ts';
import type { UpstreamFields } from './answered.ts';
import { AnyGrpcCall } from './any-grpc-call.ts';
import type { Carried, Underway } from './carried.ts';
import { GrpcPassage } from './grpc-passage.ts';
import { HeldMessage } from './held-message.ts';
import { heldBodyBytesMax } from './limits.ts';

/**
 * One unary gRPC call: its message is walked as it comes, and the decision is asked for with what it names. A small message is held
 * whole and written once; of a larger one everything but its last byte is passed on as it comes.
 * INVARIANT: the last byte of a message goes on only once its walk has ended well.
 */
export class GrpcCall extends AnyGrpcCall {
  #walk: MessageWalk | undefined;
  readonly #held = new HeldMessage();
  /** It was larger than what is held, so that its decision was asked for before it was whole. */
  #isStreamed = false;
  /** The last byte of a message that is streamed, once it is here. */
  #last: Buffer | undefined;
  #isAsked = false;
  #appended: Buffer | undefined;
  #grpc: GrpcPassage | undefined;

  protected override begin(): void {
    this.message = {};
    if (!this.readPatience()) {
      this.refuse('request-malformed');
      return;
    }
    const kind = this.scene.walkOf(
      this.listener,
      this.exchange.authority ?? this.fields.host ?? '',
      this.exchange.target,
    );
    const key = this.key();
    // What is refused whatever its message says is refused without it.
    if (kind === undefined || (key === undefined && requestFault(this.request()) !== undefined)) this.ask(key);
    else if (kind === 'stream') this.refuse('gate-unavailable');
    else this.read(kind);
  }

  override left(): void {
    // Nobody was asked about a message that never came.
    if (!this.#isAsked && !this.isEnding) {
      this.end({ status: 0, bytesOut: 0, reason: 'request-malformed', release: () => undefined });
    }
    super.left();
    this.#drop();
  }

  protected override ask(key = this.key()): void {
    this.#isAsked = true;
    super.ask(key);
  }

  /** Takes the message in, walks it, and asks once it is known what it names. */
  protected read(kind: WalkKind): void {
    const { exchange } = this;
    const walk = new MessageWalk(kind, this.scene.plan.bounds.bodyBytesMax);
    this.#walk = walk;
    exchange.proceed();
    exchange.read({ data: (chunk) => this.#onData(walk, chunk), end: () => this.#onEnd(walk) });
  }

  #onData(walk: MessageWalk, chunk: Buffer): void {
    if (this.isEnding) return;
    this.bytesIn += chunk.length;
    if (!walk.push(chunk)) {
      this.#refuseMessage(walk);
      return;
    }
    if (this.#grpc !== undefined) {
      this.#pass(walk, this.#grpc, chunk);
      return;
    }
    this.#held.add(chunk, walk.bodyBytes);
    // What is too large to be held is not held at all, once it is known what to ask about it.
    const isLarge = this.bytesIn > heldBodyBytesMax || walk.bodyBytes > heldBodyBytesMax;
    if (this.#isStreamed || !isLarge || !walk.isNamed) return;
    this.#isStreamed = true;
    this.exchange.pause();
    this.message = walk.named;
    this.ask();
  }

  #onEnd(walk: MessageWalk): void {
    // A reset ends the body like its end; that the client left is heard next.
    if (this.isEnding || this.exchange.isReset) return;
    if (!walk.end()) {
      this.#refuseMessage(walk);
      return;
    }
    if (this.#grpc !== undefined) {
      const last = this.#last as Buffer;
      this.#last = undefined;
      this.#grpc.writeLast(this.#appended === undefined ? last : Buffer.concat([last, this.#appended]));
      return;
    }
    if (this.#isStreamed) return;
    this.message = walk.named;
    this.ask();
  }

  /** Sends it on, all but the last byte of the message. */
  #pass(walk: MessageWalk, passage: GrpcPassage, chunk: Buffer): void {
    if (!passage.write(this.#allButLast(walk, chunk))) this.exchange.pause();
  }

  #allButLast(walk: MessageWalk, chunk: Buffer): Buffer {
    if (this.bytesIn < walk.bodyBytes) return chunk;
    const end = chunk.length - 1;
    this.#last = Buffer.from(chunk.subarray(end));
    return chunk.subarray(0, end);
  }

  #refuseMessage(walk: MessageWalk): void {
    this.#drop();
    this.refuse(walk.fault?.reason ?? 'message-malformed');
  }

  #drop(): void {
    this.#held.take();
    this.#last = undefined;
  }

  protected override carry(permit: Permit, answered: UpstreamFields): void {
    const walk = this.#walk as MessageWalk;
    const { version } = permit.fields;
    const isOfTasks = walk.kind === 'tasks';
    if (version !== undefined && !isOfTasks) this.#appended = chosenVersionBytes(walk.spec, version);
    let body = this.#held.take();
    if (version !== undefined && isOfTasks) body = tasksWithVersion(body, walk.tasks, version);
    if (this.#appended !== undefined) body = withLength(body, walk.bodyBytes - frameHeadBytes + this.#appended.length);
    if (this.#isStreamed) body = this.#allButLast(walk, body);
    else if (this.#appended !== undefined) body = Buffer.concat([body, this.#appended]);
    const isWhole = !this.#isStreamed;
    const dial = (call: Carried): Underway => {
      const passage = new GrpcPassage(call, {
        permit,
        answered,
        upstreams: this.scene.grpcUpstreams,
        carriage: this.scene.carriages.of(permit.fields.operation.service),
        wheel: this.scene.wheel,
        body,
        isWhole,
        resume: () => this.exchange.resume(),
      });
      this.#grpc = passage;
      passage.start();
      return passage;
    };
    this.scene.boarding.carry(this, { permit, held: isWhole ? body : undefined, dial });
  }
}

/** The beginning of a frame, with another length. */
function withLength(body: Buffer, length: number): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body.subarray(frameHeadBytes)]);
}
