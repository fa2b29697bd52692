import { createHash } from 'node:crypto';
import { keptDecisionsMax } from '../../std/limits.ts';
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

  find(key: string, nowMs: number): Answered | undefined {
    return this.#permits.find(key, nowMs) ?? this.#refusals.find(key, nowMs);
  }

  keep(key: string, answered: Answered, nowMs: number): void {
    if (answered.untilMs <= nowMs) return;
    (answered.answer.kind === 'permit' ? this.#permits : this.#refusals).put(key, answered);
  }

  revoke(ids: ReadonlySet<string>): void {
    this.#permits.revoke(ids);
    this.#refusals.revoke(ids);
  }
}

class Shelf {
  readonly #entries = new Map<string, Answered>();
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

  find(key: string, nowMs: number): Answered | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.untilMs > nowMs) return entry;
    this.#drop(key);
    return undefined;
  }

  put(key: string, answered: Answered): void {
    this.#drop(key);
    this.#entries.set(key, answered);
    this.#characters += key.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax && this.#characters <= this.#charactersMax) return;
      this.#drop(oldest);
    }
  }

  revoke(ids: ReadonlySet<string>): void {
    for (const [key, { subjectId }] of this.#entries) {
      if (subjectId !== undefined && ids.has(subjectId)) this.#drop(key);
    }
  }

  #drop(key: string): void {
    if (this.#entries.delete(key)) this.#characters -= key.length;
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
}

/**
 * Key of a kept decision: the exact bytes. No part can hold a newline (Node's parsers refuse it), the first five are always there,
 * and a field name holds neither `:` nor `@`, so that parts can't run into one another. Long keys are hashed.
 */
export function keptKey({ listener, method, target, authority, authorization, reads, address }: KeyParts): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const key = `${listener}\n${method}\n${path}\n${authority}\n${authorization ?? ''}${reads}${address && `\n@${address}`}`;
  return key.length <= keptKeyCharactersMax ? key : `\n${createHash('sha256').update(key).digest('base64')}`;
}
