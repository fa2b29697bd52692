import type { Standing } from './ejection.ts';
import { weight } from './rendezvous.ts';

/** What can be chosen: by what its replica is at the moment. */
export interface Choosable {
  readonly member: Candidate;
}

/** What balancing looks at. */
export interface Candidate {
  /** Of its name: `pointOfText`. */
  readonly point: number;
  /** Work that is on its way to it. */
  readonly inFlight: number;
  readonly standing: Standing;
}

/** The best of each standing. */
export interface Choice<T> {
  readonly well: T | undefined;
  readonly due: T | undefined;
  readonly ejected: T | undefined;
}

export interface ChoiceOptions<T> {
  /** Of those that this holds for alone. */
  readonly isOffered: (replica: T) => boolean;
  /** Among equals the one after it, so that idle ones take turns. */
  readonly turn: number;
  /** Of a sequence: `pointOfText` of its id. The one that weighs most with it, whatever is in flight. */
  readonly sequence: number | undefined;
}

/** The replicas with least work in flight, or those of a sequence. */
export function choose<T extends Choosable>(replicas: readonly T[], options: ChoiceOptions<T>): Choice<T> {
  const { isOffered, turn, sequence } = options;
  const choice: { well: T | undefined; due: T | undefined; ejected: T | undefined } = {
    well: undefined,
    due: undefined,
    ejected: undefined,
  };
  for (let offset = 0; offset < replicas.length; offset += 1) {
    const replica = replicas[(turn + offset) % replicas.length] as T;
    if (!isOffered(replica)) continue;
    const { standing } = replica.member;
    choice[standing] = better(choice[standing], replica, sequence);
  }
  return choice;
}

/** The first of two, unless the second is truly better. */
export function better<T extends Choosable>(one: T | undefined, other: T, sequence: number | undefined): T {
  if (one === undefined) return other;
  if (sequence === undefined) return other.member.inFlight < one.member.inFlight ? other : one;
  const [first, second] = [weight(sequence, one.member.point), weight(sequence, other.member.point)];
  if (first === second) return other.member.point < one.member.point ? other : one;
  return second > first ? other : one;
}
