import type { Readable } from 'node:stream';
import { spoolCore } from '../../audit/index.ts';
import {
  type DenialReason,
  type GateRequest,
  type Permit,
  type ProblemOptions,
  problemAnswer,
} from '../../gate/index.ts';
import { credentialBytesMax, headerBytesMax, headerCountMax, targetBytesMax } from '../../std/limits.ts';
import { rateLimitPolicy, retryAfterSeconds } from '../../traffic/index.ts';
import type { NamedModel } from '../../wire/index.ts';
import type { HowCarried } from '../assisted-fields.ts';
import { unaskedCore } from '../static-core.ts';
import type { Answered, UpstreamFields } from './answered.ts';
import { beParent } from './be-parent.ts';
import { readBody } from './body.ts';
import type { Carried, Passenger, Underway } from './carried.ts';
import type { Ending } from './ending.ts';
import type { Exchange } from './exchange.ts';
import { Fields, spanOf, traceIdOf } from './fields.ts';
import { type KeptKey, keptKey } from './kept.ts';
import { drainedBodyBytesMax } from './limits.ts';
import { Passage } from './passage.ts';
import type { Scene } from './scene.ts';
import type { Waiting } from './spool.ts';
import type { Due } from './wheel.ts';

/** The answer to a refused call. */
export interface Refusal {
  readonly status: number;
  readonly fields: string[];
  readonly body: Buffer | undefined;
}

const noFields = new Fields();
/** The query is no part of a key, so what the gate would refuse it for must not stand there. */
const plainTarget = /^[!"$-~]*$/;

/** What is known of a call that came by another engine. */
export interface Arrival {
  readonly requestId: string;
  /** By `performance.now()`. */
  readonly startedMs: number;
}

/**
 * One call, top to bottom: decide (kept or asked), limit, read the body, pass it on, record, answer. Whatever comes in between
 * (a client that leaves, a broken body) ends it exactly once: what `#ending` is set to first is what is recorded and done.
 */
export class Call implements Waiting, Passenger, Due {
  readonly exchange: Exchange;
  readonly requestId: string;
  fields: Fields = noFields;
  /** What a gRPC message names; undefined: no gRPC call. */
  protected message: NamedModel | undefined;
  underway: Underway | undefined;
  queueMs: number | undefined;
  leader: string | undefined;
  protected bytesIn = 0;
  /** When its deadline passes; `Infinity`: it has none. */
  dueMs = Number.POSITIVE_INFINITY;
  before: Due | undefined;
  after: Due | undefined;
  readonly #scene: Scene;
  readonly #listener: string;
  readonly #startedMs: number;
  #answered: Answered | undefined;
  #ending: Ending | undefined;
  #isRecorded = false;
  #gateMs: number | undefined;

  constructor(scene: Scene, listener: string, exchange: Exchange, arrival?: Arrival) {
    this.#startedMs = arrival?.startedMs ?? performance.now();
    this.#scene = scene;
    this.#listener = listener;
    this.exchange = exchange;
    scene.calls += 1;
    this.requestId = arrival?.requestId ?? `${scene.worker}-${scene.calls.toString(36)}`;
  }

  protected get scene(): Scene {
    return this.#scene;
  }

  protected get listener(): string {
    return this.#listener;
  }

  /** Of gRPC messages, where they are counted: from the client, to it, and when the first of those came. */
  protected get messagesIn(): number | undefined {
    return undefined;
  }

  protected get messagesOut(): number | undefined {
    return undefined;
  }

  protected get firstMs(): number | undefined {
    return undefined;
  }

  /** Of `performance.now()`. */
  protected get startedMs(): number {
    return this.#startedMs;
  }

  /** Its answer, or that there is none, is settled. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** How it is carried, as far as that is known before it ends. */
  get soFar(): HowCarried {
    return {
      endpoint: this.underway?.endpoint,
      tries: this.underway?.tries,
      queueMs: this.queueMs,
      leader: this.leader,
    };
  }

  start(): void {
    const { exchange } = this;
    const scene = this.#scene;
    const fields = scene.reader.read(exchange.rawFields);
    this.fields = fields;
    if (scene.samplePpm !== undefined) beParent(fields, this.requestId, scene.samplePpm);
    if (!exchange.isSound || fields.isRecoded || (exchange.authority === undefined && fields.hosts > 1)) {
      this.refuse('request-malformed');
      return;
    }
    this.begin();
  }

  /** What comes before the decision. */
  protected begin(): void {
    this.ask();
  }

  /** Decides by what is kept, or asks. */
  protected ask(key = this.key()): void {
    const { fields } = this;
    const scene = this.#scene;
    const kept = key === undefined ? undefined : scene.asking.kept.find(key, scene.clock.now());
    if (kept !== undefined) {
      this.#decided(kept);
      return;
    }
    const hasCredential = fields.credentials > 0;
    const askedMs = performance.now();
    void scene.asking.ask({ request: this.request(), key, hasCredential }).then((answer) => {
      if (scene.samplePpm !== undefined) this.#gateMs = performance.now() - askedMs;
      if (typeof answer !== 'string') this.#decided(answer);
      else if (this.#ending === undefined) this.refuse(answer);
      else this.#record({ ...this.#ending, reason: answer });
    });
  }

  /** Ends the call with a refusal, if nothing was answered yet; else breaks the answer off. */
  refuse(reason: DenialReason, options?: ProblemOptions): void {
    if (this.underway?.hasBegun) {
      this.underway.breakOff();
      return;
    }
    const { status, fields, body: bytes } = this.refusal(reason, options);
    const { exchange } = this;
    const ends = this.#isLeftUnread(reason);
    this.end({
      status,
      bytesOut: bytes?.length ?? 0,
      reason,
      ...this.#carried(),
      release: () => exchange.respond(status, fields, bytes, ends),
    });
  }

  /** The client went away, or its connection broke. */
  left(): void {
    if (this.#ending !== undefined) return;
    // While the gate is asked nothing is known that could be recorded: #decided sees to it.
    const bytesOut = this.underway?.bytesOut ?? 0;
    const ending: Ending = { status: 0, bytesOut, ...this.#carried(), release: () => undefined };
    if (this.#answered === undefined) this.#ending = ending;
    else this.end(ending);
    this.underway?.abandon();
  }

  /** Records the call; its answer is released when the line is written. The first ending counts. */
  end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (this.dueMs !== Number.POSITIVE_INFINITY) this.#scene.wheel.remove(this);
    this.underway?.abandon();
    this.#record(ending);
  }

  recorded(written: boolean): void {
    const ending = this.#ending;
    if (ending === undefined) return;
    if (written || this.#scene.plan.audit.record === 'best-effort') {
      this.#release(ending);
      return;
    }
    if (this.underway?.hasBegun) {
      this.exchange.cut();
      return;
    }
    const { status, fields, body } = this.refusal('audit-unavailable');
    this.exchange.respond(status, fields, body, true);
  }

  protected refusal(reason: DenialReason, options?: ProblemOptions): Refusal {
    const { status, headers, body } = problemAnswer(reason, this.requestId, options);
    const fields = ['x-headgate-request-id', this.requestId, 'content-length', String(body.length), ...headers.flat()];
    return { status, fields, body: this.exchange.method === 'HEAD' ? undefined : Buffer.from(body) };
  }

  /** What an upstream answers may be nothing that this version of HTTP can carry (two dates over h2): that must not end the worker. */
  #release(ending: Ending): void {
    try {
      ending.release();
    } catch {
      this.exchange.cut();
    }
  }

  #decided(answered: Answered): void {
    this.#answered = answered;
    if (this.#ending !== undefined) {
      this.#record(this.#ending);
      return;
    }
    const { answer } = answered;
    const { isOpen, spool, plan } = this.#scene;
    if (!isOpen || (spool.isFailing && plan.audit.record === 'required')) {
      this.refuse('audit-unavailable');
      return;
    }
    if (answer.kind === 'denial') {
      this.refuse(answer.reason, answer.allow && { allow: answer.allow });
      return;
    }
    const counters = answered.counters(this.exchange.address);
    if (counters.length > 0 && !this.#scene.limiter.take(counters, this.#scene.sharedUs + this.#startedMs * 1000)) {
      this.refuse('limit-exceeded', limitOptions(answer));
      return;
    }
    this.letGo(answer, answered);
  }

  /** Lets a permitted call go, as long as there is time. */
  protected letGo(permit: Permit, answered: UpstreamFields): void {
    if (this.#isInTime(permit)) this.carry(permit, answered);
    else this.refuse('deadline-exceeded');
  }

  /** Its deadline passed. */
  due(): void {
    // How little time a client leaves says nothing of a replica.
    if (this.dueMs < this.#startedMs + this.patienceMs) this.underway?.late();
    this.refuse('deadline-exceeded');
  }

  /** How long the client waits, from the call's arrival, in milliseconds. */
  protected get patienceMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Counts its deadline from now on, if it has one: from its arrival, waiting and tries included. */
  #isInTime({ fields: { operation } }: Permit): boolean {
    const { carriages, wheel } = this.#scene;
    const { deadlineMs = Number.POSITIVE_INFINITY } = carriages.of(operation.service).traffic;
    const allowedMs = Math.min(deadlineMs, this.patienceMs);
    if (allowedMs === Number.POSITIVE_INFINITY) return true;
    const dueMs = this.#startedMs + allowedMs;
    if (dueMs <= performance.now()) return false;
    this.dueMs = dueMs;
    wheel.add(this);
    return true;
  }

  /** Reads the body, if there is one, and passes the call on. */
  protected carry(permit: Permit, answered: UpstreamFields): void {
    const { exchange, fields } = this;
    const { boarding, carriages, upstreams } = this.#scene;
    const carriage = carriages.of(permit.fields.operation.service);
    if (boarding.turnsAway(permit)) {
      this.refuse('queue-full');
      return;
    }
    const pass = (body: Buffer | Readable | null): void => {
      // A reset body ends like a whole one; that the client left is heard next.
      if (this.#ending !== undefined || exchange.isReset) return;
      const held = body === null || Buffer.isBuffer(body) ? body : undefined;
      const dial = (call: Carried): Underway => {
        const passage = new Passage(call, { permit, answered, carriage, body, upstreams });
        passage.start();
        return passage;
      };
      boarding.carry(this, { permit, held, dial });
    };
    const length = fields.length === undefined ? undefined : Number(fields.length);
    if (length === 0 || (length === undefined && !fields.isChunked && !exchange.mayHaveBody)) {
      pass(null);
      return;
    }
    exchange.proceed();
    readBody(
      exchange.body,
      { length, bodyBytesMax: this.#scene.plan.bounds.bodyBytesMax },
      {
        whole: (body) => {
          this.bytesIn = body?.length ?? 0;
          pass(body);
        },
        streamed: (body) => {
          this.bytesIn = length ?? 0;
          pass(body);
        },
        refused: (reason) => this.refuse(reason),
      },
    );
  }

  protected key(): KeptKey | undefined {
    const { exchange, fields } = this;
    const { method, target, rawFields } = exchange;
    const authority = exchange.authority ?? fields.host;
    const { authorization, credentials, reads } = fields;
    // What the gate looks at besides the key's parts must be as it mostly is; else it is asked, and nothing is kept.
    if (authority === undefined || (exchange.authority !== undefined && fields.hosts > 0)) return undefined;
    if (credentials > 1 || authorization === '' || (authorization?.length ?? 0) > credentialBytesMax) return undefined;
    if (fields.size > headerBytesMax || rawFields.length > 2 * headerCountMax) return undefined;
    if (target.length > targetBytesMax || !plainTarget.test(target)) return undefined;
    const address = this.#scene.readsAddress ? exchange.address : '';
    return keptKey({
      listener: this.#listener,
      method,
      target,
      authority,
      authorization,
      reads,
      address,
      message: this.message,
    });
  }

  protected request(): GateRequest {
    const { method, target, rawFields, address, authority } = this.exchange;
    return {
      id: this.requestId,
      listener: this.#listener,
      method,
      target,
      authority: authority ?? this.fields.host ?? '',
      headers: rawFields,
      address,
      ...(this.message !== undefined && { message: this.message }),
    };
  }

  /** Whether so much of the body is still to come that the connection had better end with the refusal. */
  #isLeftUnread(reason: DenialReason): boolean {
    const { exchange, fields } = this;
    if (exchange.isComplete) return false;
    const length = Number(fields.length ?? 0);
    if (reason === 'body-too-large' || reason === 'request-timeout' || reason === 'request-malformed') return true;
    return exchange.expectsContinue || fields.isChunked || length > drainedBodyBytesMax;
  }

  /** INVARIANT: one line a call. A call may end while the gate is asked, and the answer comes after. */
  #record(ending: Ending): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    this.write(ending);
  }

  /** Writes the line; `recorded` is called once that is done. */
  protected write({ status, bytesOut, reason, endpoint, upstreamMs, grpcStatus, tries }: Ending): void {
    const { exchange, fields } = this;
    const scene = this.#scene;
    const traceId = traceIdOf(fields.traceparent);
    const line = {
      requestId: this.requestId,
      timeMs: scene.clock.now(),
      address: exchange.address,
      status,
      traceId,
      span: traceId === null ? undefined : spanOf(fields.traceparent as string),
      totalMs: performance.now() - this.#startedMs,
      gateMs: this.#gateMs,
      upstreamMs,
      bytesIn: this.bytesIn,
      bytesOut,
      endpoint,
      grpcStatus,
      tries,
      queueMs: this.queueMs,
      leader: this.leader,
      messagesIn: this.messagesIn,
      messagesOut: this.messagesOut,
      firstMs: this.firstMs,
    };
    scene.spool.add(line as Parameters<typeof scene.spool.add>[0], this.#core(reason), this);
  }

  #carried(): Pick<Ending, 'endpoint' | 'tries'> {
    if (this.underway === undefined) return {};
    const { endpoint, tries } = this.underway;
    return { ...(endpoint !== undefined && { endpoint }), ...(tries !== undefined && { tries }) };
  }

  #core(reason: DenialReason | undefined): string {
    const answered = this.#answered;
    if (answered !== undefined) return reason === undefined ? answered.core : answered.coreOf(reason);
    const { method, target } = this.exchange;
    const call = { listener: this.#listener, method, target };
    const isGrpc = this.message !== undefined;
    return spoolCore(unaskedCore(this.#scene.plan, call, { reason: reason ?? 'request-malformed', isGrpc }));
  }
}

function limitOptions({ fields: { limits } }: Permit): ProblemOptions {
  return { retryAfterSeconds: retryAfterSeconds(limits), rateLimitPolicy: rateLimitPolicy(limits) };
}
