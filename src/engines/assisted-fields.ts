import { type DenialReason, denials } from '../gate/index.ts';

/**
 * What an engine and the assisting side tell each other of a call that is handed over, in fields that no client can send
 * (`x-headgate-*` is removed of what comes in) and no client gets.
 */

/** The sealed permit. */
export const passField = 'x-headgate-pass';
/** When the call came in, milliseconds since the epoch. */
export const startedField = 'x-headgate-started';
/** In the answer: how it was carried. */
export const carriedField = 'x-headgate-carried';

/** How a call was carried, as far as it is known when the head of its answer leaves. */
export interface HowCarried {
  /** Why it was refused there. */
  readonly reason?: DenialReason | undefined;
  /** Replica that answered, or failed to. */
  readonly endpoint?: string | undefined;
  /** Milliseconds. */
  readonly upstreamMs?: number | undefined;
  readonly queueMs?: number | undefined;
  /** Replicas that it was sent to, where there was more than one. */
  readonly tries?: number | undefined;
  /** What the service answered a gRPC call with. */
  readonly grpcStatus?: number | undefined;
  /** Id of the request whose answer it got. */
  readonly leader?: string | undefined;
}

const absent = '-';

/** Of it, a text without spaces, quotes and tabs: it stands in a spool line as it is. */
export function carriedText(how: HowCarried): string {
  const { reason, endpoint, upstreamMs, queueMs, tries, grpcStatus, leader } = how;
  const numbers = [upstreamMs, queueMs, tries, grpcStatus].map((number) =>
    number === undefined ? absent : String(Math.round(number * 1000) / 1000),
  );
  return [reason ?? absent, endpoint === undefined || endpoint === '' ? absent : endpoint, ...numbers, leader ?? absent]
    .join(';')
    .replace(/[^!#-[\]-~]/g, '_');
}

/** What may stand between the semicolons: nothing that would have to be escaped in JSON. */
const form =
  /^([a-z-]{1,40});([\w.:[\]%-]{1,300});(-|[\d.]{1,16});(-|[\d.]{1,16});(-|\d{1,3});(-|\d{1,5});([\w.-]{1,64})$/;

/** Undefined: it isn't such a text. */
export function readCarried(text: string): HowCarried | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, reason = '', endpoint, upstreamMs, queueMs, tries, grpcStatus, leader] = match;
  const said = (value: string | undefined): string | undefined => (value === absent ? undefined : value);
  const number = (value: string | undefined): number | undefined => (value === absent ? undefined : Number(value));
  const known = {
    reason: Object.hasOwn(denials, reason) ? (reason as DenialReason) : undefined,
    endpoint: said(endpoint),
    upstreamMs: number(upstreamMs),
    queueMs: number(queueMs),
    tries: number(tries),
    grpcStatus: number(grpcStatus),
    leader: said(leader),
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
