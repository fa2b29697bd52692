import type { ParsedRecord, SpoolParser, StaticCore } from '../../audit/index.ts';
import type { AuditTiming } from '../../audit/types.ts';
import { type DenialReason, denials, grpcStatusOf } from '../../gate/index.ts';
import { type HowCarried, readCarried } from '../assisted-fields.ts';
import { type CoreScene, unaskedCore } from '../static-core.ts';
import { addressText } from './address-text.ts';
import { type CoreBooks, type WrittenCore, writtenCore } from './core-book.ts';
import type { Endings } from './endings.ts';
import { assistedLogForm, type LogField, logFields, logForm } from './log-format.ts';
import { PlainLines } from './plain-lines.ts';
import { hasLeft, streamFault } from './stream-ends.ts';

/** What a line without a core needs: the same for all lines of a process. */
export interface LineContext extends CoreScene {
  /** Names of listeners, in the order of the Plan. */
  readonly listeners: readonly string[];
  /** Services whose calls have a deadline, which is what ends the silence of a replica. */
  readonly deadlines: ReadonlySet<string>;
  /** Why open calls were ended by us. */
  readonly endings: Endings;
}

/** What may stand in a field. Nothing gets through that would have to be escaped in JSON, but in the last one. */
const count = '0|[1-9]\\d{0,14}|-1|-';
const address = '[\\w.:%-]{0,64}';
const forms: Readonly<Record<LogField, string>> = {
  sequence: '\\d{1,15}',
  timeMs: '[1-9]\\d{0,14}',
  counter: '\\d{1,15}',
  address,
  status: '-1|\\d{1,3}',
  askedCore: `(?:${count})(?:\\.\\d{1,9})?`,
  keptCore: count,
  trace: '-?|[0-9a-f-]{55}',
  totalMs: count,
  connectMs: count,
  upstreamMs: count,
  bytesIn: count,
  bytesOut: count,
  endpointHost: address,
  endpointPort: count,
  termination: '[A-Za-z-]{2,8}',
  // A sign says that another replica was tried.
  tries: '\\+?\\d{1,4}',
  listener: '\\d{1,5}',
  grpc: '-?|1|[a-z-]{2,40}',
  request: '[^\\t]*',
};
/** Captures the worker, then every field: testing a line and then splitting it takes longer. */
const lineForm = new RegExp(
  `^${logForm}\t([\\w.-]{1,64})${logFields.map((name) => `\t(${forms[name]})`).join('')}$`,
  's',
);
const assistedStart = `${assistedLogForm}\t`;
/** Where a field stands in what `lineForm` captures. */
const at = Object.fromEntries(logFields.map((name, index) => [name, index + 2])) as Readonly<Record<LogField, number>>;

type Match = readonly string[];

/** By a permit's core: the same call, permitted and then not seen through, by reason. */
type Unserved = WeakMap<WrittenCore, Map<DenialReason, WrittenCore>>;

/**
 * Reads HAProxy's spool lines. `contextOf` knows the processes that run; lines of others get what it says of them. Lines of calls that
 * were decided and seen through, which nearly all are, are read as bytes.
 */
export function createLogParser(books: CoreBooks, contextOf: (worker: string) => LineContext): SpoolParser {
  const unserved: Unserved = new WeakMap();
  const parse = (line: string): ReturnType<SpoolParser> => {
    const { plain, how } = line.startsWith(assistedStart) ? withoutCarried(line) : { plain: line };
    const match = lineForm.exec(plain);
    if (match === null) return { unreadable: `not a line of the form ${logForm}` };
    const worker = match[1] as string;
    const number = numberIn(match[at.askedCore]?.split('.')[0]) ?? numberIn(match[at.keptCore]);
    const found =
      number === undefined ? writtenCore(unknownCore(match, contextOf(worker))) : books.of(worker).at(number);
    if (found === undefined) return { unreadable: `core ${number} of ${worker} is not written down` };
    const { deadlines, endings } = contextOf(worker);
    const ended = endings.of(`${worker}-${match[at.counter]}`) ?? endedIn(match);
    const record = recordOf(
      match,
      worker,
      seenThrough(found, match, { unserved, deadlines, carried: ended ?? how?.reason }),
    );
    return how === undefined ? record : { ...record, timing: carriedTiming(record.timing, how) };
  };
  return Object.assign(parse, { plain: new PlainLines(books) });
}

/** A line of the form with how the call was carried, as one of the form without; and that. */
function withoutCarried(line: string): { readonly plain: string; readonly how?: HowCarried | undefined } {
  const end = line.lastIndexOf('\t');
  const start = line.lastIndexOf('\t', end - 1);
  const rest = line.slice(assistedStart.length, Math.max(assistedStart.length, start));
  return { plain: `${logForm}\t${rest}${line.slice(end)}`, how: readCarried(line.slice(start + 1, end)) };
}

/** The replica is the one that the assisting side called, not that side itself. */
function carriedTiming(
  { endpoint: _side, ...timing }: AuditTiming,
  { reason: _reason, ...how }: HowCarried,
): AuditTiming {
  return { ...timing, ...Object.fromEntries(Object.entries(how).filter(([, value]) => value !== undefined)) };
}

/** What HAProxy refused before anybody was asked. */
function unknownCore(match: Match, context: LineContext): StaticCore {
  const request = match[at.request] ?? '';
  const space = request.indexOf(' ');
  const own = grpcRefusal(match) ?? ownRefusal(match, unaskedReasons);
  const reason = own ?? (match[at.status] === '408' ? 'request-timeout' : 'request-malformed');
  const call = {
    listener: context.listeners[Number(match[at.listener]) - 1] ?? '',
    method: space < 0 ? '' : request.slice(0, space),
    target: space < 0 ? '' : targetIn(request.slice(space + 1), match),
  };
  return unaskedCore(context, call, { reason, isGrpc: isGrpc(match) });
}

/** HAProxy keeps the target of HTTP/2 in absolute form. */
function targetIn(text: string, match: Match): string {
  return isGrpc(match) ? text.replace(/^https?:\/\/[^/]*/, '') : text;
}

/** A gRPC call: the field is empty, or `-`, for others. */
function isGrpc(match: Match): boolean {
  return (match[at.grpc] ?? '-') > '-';
}

/** Why HAProxy itself refused a gRPC call: its status says nothing. */
function grpcRefusal(match: Match): DenialReason | undefined {
  const text = match[at.grpc] ?? '';
  return Object.hasOwn(denials, text) ? (text as DenialReason) : undefined;
}

interface Seeing {
  readonly unserved: Unserved;
  readonly deadlines: ReadonlySet<string>;
  /** Why it was refused where it was handed over to, or ended while it was open. */
  readonly carried: DenialReason | undefined;
}

/** The core, or that of a permit that HAProxy, or the service, did not see through. */
function seenThrough(known: WrittenCore, match: Match, { unserved, deadlines, carried }: Seeing): WrittenCore {
  if (known.core.outcome === 'deny') return known;
  const reason =
    carried ??
    grpcRefusal(match) ??
    ownRefusal(match, permittedReasons) ??
    upstreamFault(match, deadlines.has(known.core.service ?? '')) ??
    streamFault(known.core, match[at.termination] ?? '');
  if (reason === undefined) return known;
  const reasons = unserved.get(known) ?? new Map<DenialReason, WrittenCore>();
  const before = reasons.get(reason);
  if (before !== undefined) return before;
  const grpcStatus = isGrpc(match) ? grpcStatusOf(reason) : null;
  const made = writtenCore({ ...known.core, outcome: 'deny', reason, grpcStatus });
  unserved.set(known, reasons.set(reason, made));
  return made;
}

/** HAProxy was told to end it (configuration.txt, section 8.5: `K`), in a life of which nobody knows why: its access had ended. */
function endedIn(match: Match): DenialReason | undefined {
  return match[at.termination]?.startsWith('K') === true ? 'access-ended' : undefined;
}

/** HAProxy's own answer in place of the service's: its status, and how the session ended (configuration.txt, section 8.5). */
function upstreamFault(match: Match, hasDeadline: boolean): DenialReason | undefined {
  const how = match[at.termination] ?? '';
  if (how.startsWith('--')) return undefined;
  const status = match[at.status];
  if (status === '408') return 'request-timeout';
  if (!/^[SsPIR][CHQ]/.test(how)) return undefined;
  if (status === '502') return 'upstream-malformed';
  if (status === '503') return 'upstream-unavailable';
  if (status !== '504') return undefined;
  return hasDeadline ? 'deadline-exceeded' : 'upstream-timeout';
}

/** What HAProxy refuses by itself, by status: before anybody is asked, and after a permit. */
const unaskedReasons: Readonly<Record<string, DenialReason>> = {
  '414': 'target-too-long',
  '431': 'header-too-large',
  '503': 'gate-unavailable',
};
const permittedReasons: Readonly<Record<string, DenialReason>> = {
  '400': 'request-malformed',
  '411': 'length-required',
  '413': 'body-too-large',
  '429': 'limit-exceeded',
};

/** A session that ended with `L` was answered by a rule. */
function ownRefusal(match: Match, reasons: Readonly<Record<string, DenialReason>>): DenialReason | undefined {
  return match[at.termination]?.startsWith('L') ? reasons[match[at.status] ?? ''] : undefined;
}

function recordOf(match: Match, worker: string, held: WrittenCore): ParsedRecord {
  const status = hasLeft(held.core, match[at.termination] ?? '') ? 0 : statusOf(match);
  return {
    requestId: `${worker}-${match[at.counter]}`,
    timeMs: Number(match[at.timeMs]),
    worker: `${worker}.${match[at.listener]}`,
    sequence: Number(match[at.sequence]) + 1,
    engine: 'haproxy',
    address: peer(match[at.address] as string),
    core: { ...held.core, status, ...traceOf(match[at.trace] as string) },
    timing: timingOf(match),
    held,
  };
}

/** 0: the caller has left; where it left while the service was waited for, HAProxy writes 400. */
function statusOf(match: Match): number {
  const hasLeft = match[at.status] === '400' && match[at.termination]?.startsWith('CH') === true;
  return hasLeft ? 0 : Math.max(0, Number(match[at.status]));
}

function peer(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** W3C Trace Context: version 00, neither id all zeros. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16}-[0-9a-f]{2})$/;

function traceOf(text: string): { readonly traceId: string | null; readonly span?: string } {
  const [, traceId, span] = (text.length < 55 ? null : traceparent.exec(text)) ?? [];
  return traceId === undefined || span === undefined ? { traceId: null } : { traceId, span };
}

function timingOf(match: Match): AuditTiming {
  const endpoint = endpointIn(match[at.endpointHost] as string, match[at.endpointPort] as string);
  const times = measured.map((name) => [name, numberIn(match[at[name]])] as const);
  const known = Object.fromEntries(times.filter(([, value]) => value !== undefined));
  const further = Number(match[at.tries]);
  const gate = match[at.askedCore]?.split('.')[1];
  const gateMs = gate === undefined ? {} : { gateMs: Number(gate) / 1000 };
  return {
    totalMs: numberIn(match[at.totalMs]) ?? 0,
    ...gateMs,
    ...known,
    ...(endpoint !== undefined && { endpoint }),
    ...(further > 0 && { tries: further + 1 }),
  };
}

const measured = ['connectMs', 'upstreamMs', 'bytesIn', 'bytesOut'] as const satisfies readonly LogField[];

const inHexadecimal = /^(?:[0-9A-F]{8}|[0-9A-F]{32})$/;

/** The assisting side (`unix`, `-`) is no replica. Lines of earlier versions hold the address as people write it. */
function endpointIn(host: string, port: string): string | undefined {
  if (host === '' || host === '-' || host === 'unix' || numberIn(port) === undefined) return undefined;
  const text = inHexadecimal.test(host) ? addressText(Buffer.from(host, 'hex')) : host;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

/** A number that is not negative; `-` and `-1` say that there is none. */
function numberIn(text: string | undefined): number | undefined {
  return text === undefined || text.startsWith('-') ? undefined : Number(text);
}
