import {
  assertionHeader,
  chainHeader,
  forwardedForHeader,
  issuerHeader,
  type Passes,
  type Permit,
  requestIdHeader,
  subjectHeader,
} from '../../gate/index.ts';
import { passField, startedField } from '../assisted-fields.ts';
import type { UpstreamFields } from './answered.ts';

import type { Arrival } from './call.ts';
import type { Exchange } from './exchange.ts';

/** What a replica gets from Headgate. The engine that hands over has set it; of a client's own nothing is left. */
const forReplica = new Set([
  requestIdHeader,
  forwardedForHeader,
  subjectHeader,
  issuerHeader,
  assertionHeader,
  chainHeader,
]);

/** What another engine says of a call that it hands over. */
export class HandedCall implements UpstreamFields, Arrival {
  pass = '';
  requestId = '-';
  /** Of the client. */
  address = '';
  startedMs = performance.now();
  readonly #fields: string[] = [];

  /** `nowMs` since the epoch. */
  constructor({ rawFields }: Exchange, nowMs: number) {
    for (let at = 0; at < rawFields.length; at += 2) {
      const name = (rawFields[at] as string).toLowerCase();
      const value = rawFields[at + 1] as string;
      if (name === passField) this.pass = value;
      else if (name === startedField) this.startedMs -= Math.max(0, nowMs - (Number(value) || nowMs));
      else if (forReplica.has(name)) this.#fields.push(name, value);
      if (name === requestIdHeader) this.requestId = value;
      if (name === forwardedForHeader) this.address = value;
    }
  }

  addFields(to: string[]): void {
    for (const text of this.#fields) to.push(text);
  }
}

/** Redeems the passes that calls come with. */
export interface Redeemer {
  redeem(pass: string): Permit | undefined;
}

/** Redeems passes of these epochs' accesses: one that was replaced is good for a while, because calls are on their way. */
export class EpochRedeemer implements Redeemer {
  readonly #passes: Passes;
  readonly #now: () => number;
  #current: string;
  #former: readonly { readonly epoch: string; readonly untilMs: number }[] = [];

  constructor(passes: Passes, epoch: string, now: () => number) {
    this.#passes = passes;
    this.#current = epoch;
    this.#now = now;
  }

  swap(epoch: string, graceMs: number): void {
    const nowMs = this.#now();
    const former = [...this.#former, { epoch: this.#current, untilMs: nowMs + graceMs }];
    this.#former = former.filter((each) => each.untilMs > nowMs && each.epoch !== epoch);
    this.#current = epoch;
  }

  redeem(pass: string): Permit | undefined {
    const nowMs = this.#now();
    const former = this.#former.filter(({ untilMs }) => untilMs > nowMs);
    return this.#passes.redeem(pass, { nowMs, epochs: [this.#current, ...former.map(({ epoch }) => epoch)] });
  }
}
