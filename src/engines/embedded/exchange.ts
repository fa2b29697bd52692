import type { Readable } from 'node:stream';

/** Who reads a body as it comes. */
export interface Reading {
  /** `chunk` may be used again after this: whoever keeps it copies it. */
  data(chunk: Buffer): void;
  /** It is whole. Never of a request that was reset. */
  end(): void;
}

/** One request and its answer on one connection, whatever the version of HTTP: all that a call knows of either. */
export interface Exchange {
  readonly method: string;
  /** Raw, as received. */
  readonly target: string;
  /** `:authority`, where the version has one. */
  readonly authority: string | undefined;
  /** Raw fields: name, value, name, value… without pseudo-header fields. */
  readonly rawFields: readonly string[];
  /** Names of fields that may enter no table on the way to the upstream (RFC 7541, section 7.1.3). */
  readonly sensitive?: ReadonlySet<string> | undefined;
  /** And of the answer's fields. */
  sensitiveAnswer?: ReadonlySet<string> | undefined;
  /** IP address of the peer, without a port. */
  readonly address: string;
  /** Whether the version and the framing are what this engine serves. */
  readonly isSound: boolean;
  /** Whether a body can follow, if neither length nor framing was named. */
  readonly mayHaveBody: boolean;
  /** For who reads it as a stream of Node. */
  readonly body: Readable;
  /** Reads the body as it comes, until `pause`. */
  read(reading: Reading): void;
  pause(): void;
  resume(): void;
  /** Whether the whole request is here. */
  readonly isComplete: boolean;
  /** The client has reset it: that its body ended doesn't make it whole. */
  readonly isReset: boolean;

  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;

  /** Answers `100 Continue` if it was asked for. */
  proceed(): void;
  /** An interim answer of the upstream (1xx but 100 and 101). */
  inform(status: number, fields: readonly string[]): void;
  /** The whole answer at once. `fields` as `rawFields`. `ends`: the connection ends with it, where the version can say so. */
  respond(status: number, fields: string[], body: Buffer | undefined, ends?: boolean): void;
  /** The head of an answer that is streamed. `trailers`: some will follow. */
  begin(status: number, fields: string[], trailers: boolean): void;
  /** False: wait for `onDrain` before the next. Over HTTP/2 `chunk` may be used again after this. */
  write(chunk: Buffer): boolean;
  onDrain(then: () => void): void;
  end(chunk: Buffer | undefined, trailers: readonly string[]): void;
  /** Ends the exchange without an end of the answer, so that nobody takes what was sent for whole. */
  cut(): void;
}

/** The same where both sides may send as long as they like. */
export interface StreamExchange extends Exchange {
  /** Ends an answer that has begun at once, also before a client that doesn't read: what it has not taken yet is dropped. */
  conclude(trailers: readonly string[]): void;
  /** That nothing moves is looked after by the call, not by the connection. */
  isPatient: boolean;
  /** When anything last came from the client, or went to it, of `performance.now()`. */
  readonly movedMs: number;
}
