import { headerText, type Permit } from '../../gate/index.ts';
import type { LimitPlan } from '../../plan/types.ts';
import { retryAfterSeconds } from '../../traffic/index.ts';

/**
 * A permit as HAProxy keeps it: one line of text, its fields between single spaces, then dots up to a fixed offset, then the
 * assertion. So that a hit costs one look-up, and the long assertion is cut out without being searched for.
 */
export const recordFields = {
  kind: 1,
  subject: 2,
  issuer: 3,
  service: 4,
  path: 5,
  retryAfter: 6,
} as const;

/** Fields of a limit slot: key in the fast table, key in the slow one, cost and burst in ticks. 0: not used. */
export const slotFields = (slot: number): { fast: number; slow: number; cost: number; burst: number } => {
  const first = 7 + (slot - 1) * 4;
  return { fast: first, slow: first + 1, cost: first + 2, burst: first + 3 };
};

/** Limits of one rule at most: HAProxy tracks three counters a request, and one is the kept decision. */
export const slotsMax = 2;
/**
 * Where the assertion starts in a record of kind `S`; small, because memory of over 1,032 bytes is slower to be had; in a longer one
 * (`L`) it is the last field.
 */
export const assertionOffset = 224;

/** A table of counters. `tickUs`: its unit. Counters wrap after 2^32 ticks, which is more than `idle` and `burst` together. */
export interface Speed {
  readonly name: 'fast' | 'slow';
  readonly tickUs: number;
  readonly burstMsMax: number;
  readonly idle: string;
}

const minute = 60_000;
const day = 24 * 60 * minute;
/** Wraps after 143 minutes and 99 days. */
export const speeds: readonly [fast: Speed, slow: Speed] = [
  { name: 'fast', tickUs: 2, burstMsMax: 65 * minute, idle: '70m' },
  { name: 'slow', tickUs: 2000, burstMsMax: 45 * day, idle: '24d' },
];

/** The table that holds a limit; undefined where none can. */
export function speedOf({ count, periodMs, burst }: LimitPlan): Speed | undefined {
  const burstMs = (periodMs / count) * burst;
  return speeds.find(({ burstMsMax }) => burstMs <= burstMsMax);
}

/** What a record holds of a limit. `key`: number of the counter. */
function slotText(limit: LimitPlan, key: number): string {
  const speed = speedOf(limit);
  if (speed === undefined) throw new Error('a limit that no table holds');
  const cost = Math.max(1, Math.round((limit.periodMs * 1000) / limit.count / speed.tickUs));
  return `${speed.name === 'fast' ? key : 0} ${speed.name === 'slow' ? key : 0} ${cost} ${cost * limit.burst}`;
}

export interface RecordParts {
  readonly permit: Permit;
  /** Index of the upstream, from 1. */
  readonly service: number;
  /** The upstream's whole path where it isn't the request's; else undefined. A record is of one exact path. Without spaces. */
  readonly path: string | undefined;
  /** Numbers of the counters, in the order of the limits. */
  readonly counters: readonly number[];
}

/** The record of a permit. Visible ASCII and single spaces only. */
export function permitRecord({ permit, service, path, counters }: RecordParts): string {
  const { identity, assertion, limits } = permit.fields;
  const slots = Array.from({ length: slotsMax }, (_, index) => {
    const limit = limits[index];
    return limit === undefined ? '0 0 0 0' : slotText(limit, counters[index] ?? 0);
  });
  const who = identity === undefined ? '- -' : `${headerText(identity.subject)} ${headerText(identity.issuer)}`;
  const rest = `${who} ${service} ${path ?? '-'} ${retryAfterSeconds(limits)} ${slots.join(' ')} `;
  if (identity === undefined || assertion === undefined) return `N ${rest}.`;
  if (rest.length + 2 > assertionOffset) return `L ${rest}${assertion}`;
  return `S ${rest}`.padEnd(assertionOffset, '.') + assertion;
}
