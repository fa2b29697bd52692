import type { Readable } from 'node:stream';
import { carriedField } from '../assisted-fields.ts';
import type { Exchange, Reading, StreamExchange } from './exchange.ts';

/** An exchange with the engine that handed the call over: each answer says, beside the client's own, how the call was carried. */
export class AssistedExchange implements Exchange {
  readonly #inner: Exchange;
  readonly address: string;
  /** Asked when the head of the answer leaves. */
  howCarried: () => string = () => '';

  /** `address`: of the client. */
  constructor(inner: Exchange, address: string) {
    this.#inner = inner;
    this.address = address;
  }

  get method(): string {
    return this.#inner.method;
  }

  get target(): string {
    return this.#inner.target;
  }

  get authority(): string | undefined {
    return this.#inner.authority;
  }

  get rawFields(): readonly string[] {
    return this.#inner.rawFields;
  }

  get isSound(): boolean {
    return this.#inner.isSound;
  }

  get mayHaveBody(): boolean {
    return this.#inner.mayHaveBody;
  }

  get body(): Readable {
    return this.#inner.body;
  }

  get sensitive(): ReadonlySet<string> | undefined {
    return this.#inner.sensitive;
  }

  set sensitiveAnswer(names: ReadonlySet<string> | undefined) {
    this.#inner.sensitiveAnswer = names;
  }

  read(reading: Reading): void {
    this.#inner.read(reading);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  get isComplete(): boolean {
    return this.#inner.isComplete;
  }

  get isReset(): boolean {
    return this.#inner.isReset;
  }

  get expectsContinue(): boolean {
    return this.#inner.expectsContinue;
  }

  proceed(): void {
    this.#inner.proceed();
  }

  inform(status: number, fields: readonly string[]): void {
    this.#inner.inform(status, fields);
  }

  /** The connection is the engine's and carries other calls after this one: it never ends with a refusal. */
  respond(status: number, fields: string[], body: Buffer | undefined): void {
    this.#inner.respond(status, this.#withOurs(fields), body);
  }

  begin(status: number, fields: string[], trailers: boolean): void {
    this.#inner.begin(status, this.#withOurs(fields), trailers);
  }

  write(chunk: Buffer): boolean {
    return this.#inner.write(chunk);
  }

  onDrain(then: () => void): void {
    this.#inner.onDrain(then);
  }

  end(chunk: Buffer | undefined, trailers: readonly string[]): void {
    this.#inner.end(chunk, trailers);
  }

  cut(): void {
    this.#inner.cut();
  }

  /** INVARIANT: a service that sends this field itself says nothing by it. */
  #withOurs(fields: readonly string[]): string[] {
    const ours: string[] = [];
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at] as string;
      if (name.toLowerCase() !== carriedField) ours.push(name, fields[at + 1] as string);
    }
    ours.push(carriedField, this.howCarried());
    return ours;
  }
}

/** The same of gRPC. */
export class AssistedStreamExchange extends AssistedExchange implements StreamExchange {
  readonly #stream: StreamExchange;

  constructor(inner: StreamExchange, address: string) {
    super(inner, address);
    this.#stream = inner;
  }

  conclude(trailers: readonly string[]): void {
    this.#stream.conclude(trailers);
  }

  get isPatient(): boolean {
    return this.#stream.isPatient;
  }

  set isPatient(is: boolean) {
    this.#stream.isPatient = is;
  }

  get movedMs(): number {
    return this.#stream.movedMs;
  }
}
