import { createHash } from 'node:crypto';
import { keptDecisionsMax } from '../../std/limits.ts';
import type { NamedModel } from '../../wire/index.ts';
import type { Answered } from './answered.ts';
import { keptCharactersMax, keptKeyCharactersMax, keptRefusalsMax } from './limits.ts';

/**
 * Decisions kept in front of the gate, under one epoch: a swap makes a new one of these.
 * INVARIANT: never past `untilMs`; bounded in number and in characters; the oldest go first, and refusals never push out permits.
 */
export class KeptDecisions {
  readonly #permits: Shelf;
  readonly #refusals: Shelf;

  /** `share`: of the engine's bound, what is this worker's. */
  constructor(share = 1) {
    this.#permits = new Shelf(Math.max(1, Math.floor(keptDecisionsMax * share)), keptCharactersMax);
    this.#refusals = new Shelf(keptRefusalsMax, keptCharactersMax / 8);
  }

  get size(): number {
    return this.#permits.size + this.#refusals.size;
  }

  find(key: KeptKey, nowMs: number): Answered | undefined {
    return this.#permits.find(key, nowMs) ?? this.#refusals.find(key, nowMs);
  }

  keep(key: KeptKey, answered: Answered, nowMs: number): void {
    if (answered.untilMs <= nowMs) return;
    (answered.answer.kind === 'permit' ? this.#permits : this.#refusals).put(key, answered);
  }

  revoke(ids: ReadonlySet<string>): void {
    this.#permits.revoke(ids);
    this.#refusals.revoke(ids);
  }
}

interface Entry {
  readonly authorization: string | undefined;
  readonly answered: Answered;
}

class Shelf {
  readonly #entries = new Map<string, Entry>();
  readonly #entriesMax: number;
  readonly #charactersMax: number;
  #characters = 0;

  constructor(entriesMax: number, charactersMax: number) {
    this.#entriesMax = entriesMax;
    this.#charactersMax = charactersMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** INVARIANT: the whole credential is compared, byte for byte; its end only finds the place. */
  find({ place, authorization }: KeptKey, nowMs: number): Answered | undefined {
    const entry = this.#entries.get(place);
    if (entry === undefined || entry.authorization !== authorization) return undefined;
    if (entry.answered.untilMs > nowMs) return entry.answered;
    this.#drop(place);
    return undefined;
  }

  put({ place, authorization }: KeptKey, answered: Answered): void {
    this.#drop(place);
    this.#entries.set(place, { authorization, answered });
    this.#characters += place.length + (authorization?.length ?? 0);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax && this.#characters <= this.#charactersMax) return;
      this.#drop(oldest);
    }
  }

  revoke(ids: ReadonlySet<string>): void {
    for (const [place, { answered }] of this.#entries) {
      if (answered.subjectId !== undefined && ids.has(answered.subjectId)) this.#drop(place);
    }
  }

  #drop(place: string): void {
    const entry = this.#entries.get(place);
    if (entry === undefined) return;
    this.#entries.delete(place);
    this.#characters -= place.length + (entry.authorization?.length ?? 0);
  }
}

/** What of a request the gate's answer can depend on, for one listener. */
export interface KeyParts {
  readonly listener: string;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** undefined: none was sent. Never empty. */
  readonly authorization: string | undefined;
  /** Fields that conditions read, each after a newline. */
  readonly reads: string;
  /** '' where no condition reads it. */
  readonly address: string;
  /** What a gRPC message names; undefined: no gRPC call. */
  readonly message?: NamedModel | undefined;
}

/** Two keys are the same where both parts are. */
export interface KeptKey {
  /** Everything but the credential, and the credential's end. */
  readonly place: string;
  /** The whole credential. */
  readonly authorization: string | undefined;
}

/** Signatures stand at the end of a token: so much of it tells tokens apart well enough to find them. */
const endCharacters = 32;

/**
 * Key of a kept decision: the exact bytes. No part can hold a newline (Node's parsers refuse it), the first four are always there,
 * and a field name holds neither `:` nor `@`, so that parts can't run into one another; an address doesn't begin with `@`. Long places are hashed. Hashing the whole
 * credential for a look-up took a microsecond; comparing it takes a twentieth of that.
 */
export function keptKey(parts: KeyParts): KeptKey {
  const { listener, method, target, authority, authorization, reads, address, message } = parts;
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const end = authorization === undefined ? '' : authorization.slice(-endCharacters);
  const place = `${listener}\n${method}\n${path}\n${authority}\n${end}${messageText(message)}${reads}${address && `\n@${address}`}`;
  if (place.length <= keptKeyCharactersMax) return { place, authorization };
  return { place: `\n${createHash('sha256').update(place).digest('base64')}`, authorization };
}

/** Always three lines: what is named is visible ASCII and never empty, a version digits, and no name of a field holds an `@`. */
function messageText(message: NamedModel | undefined): string {
  if (message === undefined) return '';
  return `\n@@${message.model ?? ''}\n${message.version ?? ''}\n${message.label ?? ''}`;
}

/** The key as one text. */
export function keyText({ place, authorization }: KeptKey): string {
  return `${place}\n\n${authorization ?? ''}`;
}
