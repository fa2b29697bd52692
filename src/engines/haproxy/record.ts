import { headerText, type Permit } from '../../gate/index.ts';
import type { LimitPlan } from '../../plan/types.ts';
import { rateLimitPolicy, retryAfterSeconds } from '../../traffic/index.ts';

/**
 * A permit as HAProxy keeps it: one line of text. A letter (its kind) and the second in which it ends, then fields at fixed offsets,
 * each to the next space, then the assertion. So that a hit costs one look-up, and nothing is searched for.
 */
export const recordOffsets = {
  /** Of the kind's letter; `S` is written as the digit 0, so that the record of an ordinary permit begins with its end. */
  kind: 0,
  end: 1,
  core: 12,
  /** Of the first limit. */
  slots: 23,
  retryAfter: 111,
  service: 120,
  /** That has to be appended to a gRPC message, or the number of a permit for streams (see stream-tracking.ts); `.`: none. */
  version: 126,
  /** The issuer is the field behind it, behind that the upstream's path, and behind that RateLimit-Policy (`.`: no limits). */
  subject: 146,
} as const;

/** What a record begins with, by its kind: of a call that may be sent again, and of one that may not. */
export const letters = {
  ordinary: ['0', 'U'],
  long: ['L', 'l'],
  nobody: ['N', 'n'],
  /** Of a call that is made for another: as a long one, and before its last field the earlier assertions. */
  relayed: ['R', 'r'],
} as const satisfies Readonly<Record<string, readonly [safe: string, unsafe: string]>>;
export const unsafeLetters = Object.values(letters).map(([, unsafe]) => unsafe);

/** Of the numbers in a limit slot: key in the fast table, key in the slow one, cost and burst in ticks. 0: not used. */
export const slotOffsets = (slot: number): { fast: number; slow: number; cost: number; burst: number } => {
  const first = recordOffsets.slots + (slot - 1) * 4 * numberWidth;
  return { fast: first, slow: first + numberWidth, cost: first + 2 * numberWidth, burst: first + 3 * numberWidth };
};

/** Ten digits hold what is under 2^32. */
const numberWidth = 11;
/** Limits of one rule at most: HAProxy tracks three counters a request. */
export const slotsMax = 2;
/**
 * Where the assertion starts in an ordinary record; small, because memory of over 1,032 bytes is slower to be had; in a longer one
 * (`L`) it is the last field.
 */
export const assertionOffset = 304;

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

/** What a call costs of a limit, and how far ahead its counter may be, in ticks of its table; undefined: no table holds it. */
export function limitTicks(limit: LimitPlan): { speed: Speed; cost: number; burst: number } | undefined {
  const speed = speedOf(limit);
  if (speed === undefined) return undefined;
  const cost = Math.max(1, Math.round((limit.periodMs * 1000) / limit.count / speed.tickUs));
  return { speed, cost, burst: cost * limit.burst };
}

/** What a record holds of a limit. `key`: number of the counter. */
function slotNumbers(limit: LimitPlan, key: number): number[] {
  const ticks = limitTicks(limit);
  if (ticks === undefined) throw new Error('a limit that no table holds');
  const { speed, cost, burst } = ticks;
  return [speed.name === 'fast' ? key : 0, speed.name === 'slow' ? key : 0, cost, burst];
}

/** Letters of records of calls that are handed over: of a caller who is known, of nobody, or made for another. */
export const handedKinds = { known: 'A', unknown: 'B', relayed: 'C' } as const;

export interface RecordParts {
  readonly permit: Permit;
  /** When it ends; 0: it is for one call. */
  readonly endSeconds: number;
  /** Number of the core, for the audit. */
  readonly core: number;
  /** Index of the upstream, from 1. */
  readonly service: number;
  /** The upstream's whole path where it isn't the request's; else undefined. A record is of one exact path. Without spaces. */
  readonly path: string | undefined;
  /** Numbers of the counters, in the order of the limits. */
  readonly counters: readonly number[];
  /** The permit's pass, where the call is handed over. */
  readonly pass?: string | undefined;
  /** Number of the permit, where its calls are to be known while they are open; see stream-tracking.ts. */
  readonly open?: number | undefined;
  /** Its limits were looked at elsewhere, and admit it or not; undefined: HAProxy counts. Such a record is for one call. */
  readonly isAdmitted?: boolean | undefined;
}

/** The record of a permit. Visible ASCII and spaces only. */
export function permitRecord(parts: RecordParts): string {
  const { permit, endSeconds, core, service, path, counters, isAdmitted, pass, open } = parts;
  const { identity, relayed, assertion, limits, operation, version } = permit.fields;
  const slots = Array.from({ length: slotsMax }, (_, index) => {
    const limit = limits[index];
    if (limit === undefined || isAdmitted === true) return [0, 0, 0, 0];
    const [fast = 0, slow = 0, ...costAndBurst] = slotNumbers(limit, counters[index] ?? 0);
    // What costs more than a burst is refused, whatever its counter says.
    return [fast, slow, ...(isAdmitted === false ? [1, 0] : costAndBurst)];
  });
  const fixed = [
    cell(String(endSeconds), recordOffsets.core - recordOffsets.end),
    ...[core, ...slots.flat()].map((number) => cell(String(number), numberWidth)),
    cell(String(retryAfterSeconds(limits)), recordOffsets.service - recordOffsets.retryAfter),
    cell(String(service), recordOffsets.version - recordOffsets.service),
    // A path says it already. Where calls are known while they are open, no version is chosen.
    cell(open?.toString() ?? ((operation.grpc && version) || '.'), recordOffsets.subject - recordOffsets.version),
  ].join('');
  // Read only where a call is refused: it costs those that pass nothing, as long as there is room before the assertion.
  const upstream = `${path ?? '-'} ${rateLimitPolicy(limits) || '.'}`;
  if (pass !== undefined) return handedRecord(permit, fixed, `${upstream} ${pass}`);
  const letter = (kind: keyof typeof letters): string => letters[kind][operation.safe ? 0 : 1];
  if (identity === undefined || assertion === undefined) return `${letter('nobody')}${fixed}- - ${upstream} .`;
  const text = `${fixed}${whoText(relayed?.origin ?? identity)} ${upstream} `;
  if (relayed !== undefined) return `${letter('relayed')}${text}${relayed.texts.join(',')} ${assertion}`;
  if (text.length >= assertionOffset) return `${letter('long')}${text}${assertion}`;
  return `${letter('ordinary')}${text}`.padEnd(assertionOffset, '.') + assertion;
}

/** The same of a call that is handed over. `rest`: of the fields, behind the issuer and before the assertion. */
function handedRecord({ fields: { identity, relayed, assertion } }: Permit, fixed: string, rest: string): string {
  if (identity === undefined || assertion === undefined) return `${handedKinds.unknown}${fixed}- - ${rest} .`;
  const text = `${fixed}${whoText(relayed?.origin ?? identity)} ${rest}`;
  if (relayed !== undefined) return `${handedKinds.relayed}${text} ${relayed.texts.join(',')} ${assertion}`;
  return `${handedKinds.known}${text} ${assertion}`;
}

/** Whom the service sees: the caller, or who the call is made for. */
function whoText({ subject, issuer }: { readonly subject: string; readonly issuer: string }): string {
  return `${headerText(subject)} ${headerText(issuer)}`;
}

function cell(text: string, width: number): string {
  if (text.length >= width) throw new Error(`no room in a record for ${text}`);
  return text.padEnd(width);
}
