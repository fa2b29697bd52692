import { messageFieldsMax, modelSpecBytesMax, modelSpecWithinBytesMax } from '../std/limits.ts';
import { type NamedModel, readInferenceTask, readModelSpec } from './model-spec.ts';
import {
  FieldError,
  freeNumberMin,
  readTag,
  shortVarintBytesMax,
  varintBytesMax,
  type WalkReason,
  wireBytes,
  wireFixed64,
  wireVarint,
} from './protobuf-fields.ts';

/**
 * How a message says which model it is for. `spec`: field 1 is its ModelSpec. `tasks`: field 1 is one of its inference tasks,
 * whose field 1 is a ModelSpec; all must name the same. `none`: not at all; only the frame is read.
 */
export type WalkKind = 'spec' | 'tasks' | 'none';

export interface WalkFault {
  readonly reason: WalkReason;
  /** For the operator. */
  readonly detail: string;
}

/** Where an inference task stands in the body: where its tag begins, where its bytes begin, and where they end. */
export interface TaskPlace {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** Bytes of a gRPC frame before its message: a flag and a length. */
export const frameHeadBytes = 5;

/** What the next byte belongs to. */
const inHead = 0;
const inTag = 1;
const inLength = 2;
const inVarint = 3;
const inSpec = 4;
const inSkipped = 5;
const atEnd = 6;

/**
 * Walks the body of a unary gRPC call (one frame, one message) once, as it comes, split anywhere: which model it names, and whether
 * every parser reads it so. What can be read in two ways is refused; the message is unchanged and nothing of it is kept but its
 * names. It must not be let through to its last byte before `end` has returned true.
 * Source: gRPC over HTTP/2, "Length-Prefixed-Message"; protobuf encoding.
 */
export class MessageWalk {
  /** Why it is refused; then nothing more may be pushed. */
  fault: WalkFault | undefined;
  readonly kind: WalkKind;
  readonly #bytesMax: number;
  #named: NamedModel | undefined;
  #state = inHead;
  /** Bytes that were walked. */
  #position = 0;
  /** Where the frame ends. */
  #end = 0;
  /** Of the varint, or the frame's length, that is being read. */
  #value = 0;
  #scale = 1;
  #count = 0;
  /** Bytes that are still to be passed over, or taken into `#spec`. */
  #left = 0;
  #isSpec = false;
  #fields = 0;
  /** Where the field that is being read begins. */
  #start = 0;
  #spec: Uint8Array = nothing;
  readonly #tasks: TaskPlace[] = [];

  /** `bytesMax`: of the body, frame and all. */
  constructor(kind: WalkKind, bytesMax: number) {
    this.kind = kind;
    this.#bytesMax = bytesMax;
  }

  /** What the message names: final once `isNamed`. */
  get named(): NamedModel {
    return this.#named ?? {};
  }

  /** Nothing that still comes, and is not refused, names anything else. */
  get isNamed(): boolean {
    if (this.kind === 'none') return this.#end > 0;
    if (this.#named === undefined) return false;
    return this.kind === 'spec' || this.#state === atEnd || this.#position >= modelSpecWithinBytesMax;
  }

  /** The ModelSpec as it came, or the last task. */
  get spec(): Uint8Array {
    return this.#spec;
  }

  /** Where its tasks stand, of a message of them: all, once `isNamed`. */
  get tasks(): readonly TaskPlace[] {
    return this.#tasks;
  }

  /** Bytes of the body as its frame says, the frame's head among them; 0: not known yet. */
  get bodyBytes(): number {
    return this.#end;
  }

  /** False: refused, see `fault`. */
  push(chunk: Uint8Array): boolean {
    if (this.fault !== undefined) return false;
    try {
      let at = 0;
      while (at < chunk.length) at = this.#step(chunk, at);
      return true;
    } catch (cause) {
      return this.#refuse(cause);
    }
  }

  /** The body is over. True: it is one whole message and names what `named` says. */
  end(): boolean {
    if (this.fault !== undefined) return false;
    if (this.#state === atEnd) return true;
    this.fault = { reason: 'message-malformed', detail: 'cut short' };
    return false;
  }

  #refuse(cause: unknown): false {
    if (!(cause instanceof FieldError)) throw cause;
    this.fault = { reason: cause.reason, detail: cause.message };
    return false;
  }

  /** Takes what it can at `at`; returns where it goes on. */
  #step(chunk: Uint8Array, at: number): number {
    if (this.#state === inSkipped || this.#state === inSpec) return this.#pass(chunk, at);
    if (this.#state === atEnd) throw new FieldError('message-malformed', 'bytes after the message');
    const byte = chunk[at] as number;
    this.#position += 1;
    if (this.#state === inHead) this.#head(byte);
    else if (this.#position > this.#end) throw new FieldError('message-malformed', 'field beyond the end');
    else if (this.#state === inVarint) this.#skipVarint(byte);
    else this.#short(byte);
    return at + 1;
  }

  #pass(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    if (this.#state === inSpec) this.#spec.set(chunk.subarray(at, end), this.#spec.length - this.#left);
    this.#left -= end - at;
    this.#position += end - at;
    if (this.#left === 0) {
      if (this.#state === inSpec) this.#name();
      this.#field();
    }
    return end;
  }

  #head(byte: number): void {
    if (this.#position === 1) {
      if (byte === 1) throw new FieldError('message-compressed', 'compressed message');
      if (byte !== 0) throw new FieldError('message-malformed', 'flag of the frame');
      return;
    }
    this.#value = this.#value * 256 + byte;
    if (this.#position < frameHeadBytes) return;
    this.#end = frameHeadBytes + this.#value;
    if (this.#end > this.#bytesMax) throw new FieldError('body-too-large', 'length of the frame');
    if (this.kind === 'none') this.#skip(this.#value);
    else this.#field();
  }

  /** A field has ended: another begins, or the message is over. */
  #field(): void {
    const isNameless = this.#named === undefined && this.kind !== 'none';
    if (this.#position < this.#end) {
      if (isNameless && this.#position >= modelSpecWithinBytesMax) throw tooFarIn();
      this.#start = this.#position;
      this.#expect(inTag);
      return;
    }
    if (isNameless) throw new FieldError('message-malformed', 'no model_spec');
    this.#state = atEnd;
  }

  #expect(state: number): void {
    this.#state = state;
    this.#value = 0;
    this.#scale = 1;
    this.#count = 0;
  }

  #skip(bytes: number): void {
    if (bytes > this.#end - this.#position) throw new FieldError('message-malformed', 'length beyond the end');
    const isNameless = this.#named === undefined && this.kind !== 'none';
    if (isNameless && this.#position + bytes >= modelSpecWithinBytesMax) throw tooFarIn();
    this.#state = inSkipped;
    this.#left = bytes;
    if (bytes === 0) this.#field();
  }

  #skipVarint(byte: number): void {
    this.#count += 1;
    if (byte < 0x80) this.#field();
    else if (this.#count === varintBytesMax) throw new FieldError('message-malformed', 'overlong varint');
  }

  /** A byte of a tag or a length. */
  #short(byte: number): void {
    this.#value += (byte & 0x7f) * this.#scale;
    this.#scale *= 128;
    this.#count += 1;
    if (byte >= 0x80) {
      if (this.#count === shortVarintBytesMax) throw new FieldError('message-malformed', 'overlong varint');
      return;
    }
    if ((byte === 0 && this.#count > 1) || this.#value > 0xffff_ffff) {
      throw new FieldError('message-malformed', 'overlong varint');
    }
    if (this.#state === inTag) this.#tag(this.#value);
    else if (this.#isSpec) this.#take(this.#value);
    else this.#skip(this.#value);
  }

  #tag(tag: number): void {
    this.#fields += 1;
    if (this.#fields > messageFieldsMax) throw new FieldError('message-malformed', 'too many fields');
    const { number, type } = readTag(tag);
    this.#isSpec = number === 1;
    if (number < freeNumberMin && type !== wireBytes)
      throw new FieldError('message-malformed', 'wire type of a known field');
    if (this.#isSpec && this.kind === 'spec' && this.#named !== undefined) {
      throw new FieldError('message-ambiguous', 'model_spec twice');
    }
    if (type === wireBytes) this.#expect(inLength);
    else if (type === wireVarint) this.#expect(inVarint);
    else this.#skip(type === wireFixed64 ? 8 : 4);
  }

  /** Takes a ModelSpec or a task in. */
  #take(bytes: number): void {
    if (bytes > this.#end - this.#position) throw new FieldError('message-malformed', 'length beyond the end');
    if (bytes > modelSpecBytesMax) throw new FieldError('message-malformed', 'model_spec too large');
    if (this.#position + bytes > modelSpecWithinBytesMax) throw tooFarIn();
    if (bytes === 0) throw new FieldError('message-malformed', 'no name of a model');
    const from = this.#position;
    if (this.kind === 'tasks') this.#tasks.push({ start: this.#start, from, to: from + bytes });
    this.#state = inSpec;
    this.#left = bytes;
    this.#spec = new Uint8Array(bytes);
  }

  #name(): void {
    const found = this.kind === 'spec' ? readModelSpec(this.#spec) : readInferenceTask(this.#spec);
    const before = this.#named;
    this.#named = found;
    if (before === undefined) return;
    if (before.model !== found.model || before.version !== found.version || before.label !== found.label) {
      throw new FieldError('message-ambiguous', 'tasks for more than one model');
    }
  }
}

const nothing = new Uint8Array(0);

function tooFarIn(): FieldError {
  return new FieldError('message-malformed', 'model_spec not at the beginning');
}
