import type { ParsedRecord, SpoolParser, StaticCore } from '../../audit/index.ts';
import type { AuditCore, AuditTiming } from '../../audit/types.ts';
import { type DenialReason, denials, grpcStatusOf } from '../../gate/index.ts';
import { pathOf } from '../../protocols/index.ts';
import { type CoreBooks, type WrittenCore, writtenCore } from './core-book.ts';
import { type LogField, logFields, logForm } from './log-format.ts';

/** What a line without a core needs: the same for all lines of a process. */
export interface LineContext {
  readonly environment: string;
  readonly epoch: string;
  /** Names of listeners, in the order of the Plan. */
  readonly listeners: readonly string[];
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
  askedCore: count,
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
  listener: '\\d{1,5}',
  grpc: '-?|1|[a-z-]{2,40}',
  request: '[^\\t]*',
};
/** Captures the worker, then every field: testing a line and then splitting it takes longer. */
const lineForm = new RegExp(
  `^${logForm}\t([\\w.-]{1,64})${logFields.map((name) => `\t(${forms[name]})`).join('')}$`,
  's',
);
/** Where a field stands in what `lineForm` captures. */
const at = Object.fromEntries(logFields.map((name, index) => [name, index + 2])) as Readonly<Record<LogField, number>>;

type Match = readonly string[];

/** By a permit's core: the same call, permitted and then not seen through, by reason. */
type Unserved = WeakMap<WrittenCore, Map<DenialReason, WrittenCore>>;

/** Reads HAProxy's spool lines. `contextOf` knows the processes that run; lines of others get what it says of them. */
export function createLogParser(books: CoreBooks, contextOf: (worker: string) => LineContext): SpoolParser {
  const unserved: Unserved = new WeakMap();
  return (line) => {
    const match = lineForm.exec(line);
    if (match === null) return { unreadable: `not a line of the form ${logForm}` };
    const worker = match[1] as string;
    const number = numberIn(match[at.askedCore]) ?? numberIn(match[at.keptCore]);
    const found =
      number === undefined ? writtenCore(unknownCore(match, contextOf(worker))) : books.of(worker).at(number);
    if (found === undefined) return { unreadable: `core ${number} of ${worker} is not written down` };
    return new LineRecord(match, worker, seenThrough(found, match, unserved));
  };
}

/** What HAProxy refused before anybody was asked. */
function unknownCore(match: Match, context: LineContext): StaticCore {
  const request = match[at.request] ?? '';
  const space = request.indexOf(' ');
  const path = space < 0 ? '' : pathOf(targetIn(request.slice(space + 1), match));
  const nothing = { service: null, operation: null, action: null, resource: null, model: null, version: null };
  const own = grpcRefusal(match) ?? ownRefusal(match, unaskedReasons);
  const reason = own ?? (match[at.status] === '408' ? 'request-timeout' : 'request-malformed');
  return {
    environment: context.environment,
    listener: context.listeners[Number(match[at.listener]) - 1] ?? '',
    method: space < 0 ? '' : request.slice(0, space),
    path: path.length <= 512 ? path : `${path.slice(0, 512)}…`,
    ...nothing,
    caller: null,
    outcome: 'deny',
    reason,
    rule: null,
    ruleAt: null,
    epoch: context.epoch,
    grpcStatus: isGrpc(match) ? grpcStatusOf(reason) : null,
  };
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

/** The core, or that of a permit that HAProxy, or the service, did not see through. */
function seenThrough(known: WrittenCore, match: Match, unserved: Unserved): WrittenCore {
  if (known.core.outcome === 'deny') return known;
  const reason = grpcRefusal(match) ?? ownRefusal(match, permittedReasons) ?? upstreamFault(match);
  if (reason === undefined) return known;
  const reasons = unserved.get(known) ?? new Map<DenialReason, WrittenCore>();
  const before = reasons.get(reason);
  if (before !== undefined) return before;
  const grpcStatus = isGrpc(match) ? grpcStatusOf(reason) : null;
  const made = writtenCore({ ...known.core, outcome: 'deny', reason, grpcStatus });
  unserved.set(known, reasons.set(reason, made));
  return made;
}

/** HAProxy's own answer in place of the service's: its status, and how the session ended (configuration.txt, section 8.5). */
function upstreamFault(match: Match): DenialReason | undefined {
  const how = match[at.termination] ?? '';
  if (how.startsWith('--')) return undefined;
  const status = match[at.status];
  if (status === '408') return 'request-timeout';
  if (!/^[SsPIR][CHQ]/.test(how)) return undefined;
  if (status === '502') return 'upstream-malformed';
  if (status === '503') return 'upstream-unavailable';
  return status === '504' ? 'upstream-timeout' : undefined;
}

/** What HAProxy refuses by itself, by status: before anybody is asked, and after a permit. */
const unaskedReasons: Readonly<Record<string, DenialReason>> = {
  '414': 'target-too-long',
  '431': 'header-too-large',
  '503': 'gate-unavailable',
};
const permittedReasons: Readonly<Record<string, DenialReason>> = {
  '413': 'body-too-large',
  '429': 'limit-exceeded',
};

/** A session that ended with `L` was answered by a rule. */
function ownRefusal(match: Match, reasons: Readonly<Record<string, DenialReason>>): DenialReason | undefined {
  return match[at.termination]?.startsWith('L') ? reasons[match[at.status] ?? ''] : undefined;
}

/** A record over the fields of its line. Its objects are made when asked for; the writer and the metrics need none of them. */
class LineRecord implements ParsedRecord {
  readonly engine = 'haproxy';
  readonly timeMs: number;
  readonly sequence: number;
  readonly brief: { readonly status: number; readonly totalMs: number };
  readonly #match: Match;
  readonly #worker: string;
  readonly #core: WrittenCore;

  constructor(match: Match, worker: string, core: WrittenCore) {
    this.timeMs = Number(match[at.timeMs]);
    this.sequence = Number(match[at.sequence]) + 1;
    this.brief = { status: Math.max(0, Number(match[at.status])), totalMs: numberIn(match[at.totalMs]) ?? 0 };
    this.#match = match;
    this.#worker = worker;
    this.#core = core;
  }

  get requestId(): string {
    return `${this.#worker}-${this.#match[at.counter]}`;
  }

  get worker(): string {
    return `${this.#worker}.${this.#match[at.listener]}`;
  }

  get address(): string {
    return peer(this.#match[at.address] as string);
  }

  get core(): AuditCore {
    return { ...this.#core.core, status: this.brief.status, traceId: traceIdOf(this.#match[at.trace] as string) };
  }

  get coreText(): string {
    return this.#core.text;
  }

  get timing(): AuditTiming {
    return JSON.parse(timingText(this.#match)) as AuditTiming;
  }

  get coreTail(): Uint8Array {
    return this.#core.tail;
  }

  get head(): string {
    const traceId = traceIdOf(this.#match[at.trace] as string);
    const trace = traceId === null ? 'null' : `"${traceId}"`;
    const match = this.#match;
    const [worker, listener, timeMs] = [this.#worker, match[at.listener], match[at.timeMs]];
    const call = `"requestId":"${worker}-${match[at.counter]}","timeMs":${timeMs},"worker":"${worker}.${listener}"`;
    const from = `"sequence":${this.sequence},"engine":"haproxy","address":"${this.address}"`;
    return `${call},${from},"timing":${timingText(match)},"core":{"status":${this.brief.status},"traceId":${trace},`;
  }
}

function peer(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** W3C Trace Context: version 00, neither id all zeros. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceIdOf(text: string): string | null {
  return text.length < 55 ? null : (traceparent.exec(text)?.[1] ?? null);
}

/** JSON, from the fields' own digits: it is made for every call. */
function timingText(match: Match): string {
  const endpoint = endpointIn(match[at.endpointHost] as string, match[at.endpointPort] as string);
  const total = numberIn(match[at.totalMs]) ?? 0;
  const [connect, upstream] = [match[at.connectMs] as string, match[at.upstreamMs] as string];
  const [bytesIn, bytesOut] = [match[at.bytesIn] as string, match[at.bytesOut] as string];
  // Nearly every call has all of it. One template is made in half the time of a text that grows.
  if (
    endpoint !== undefined &&
    isMeasured(connect) &&
    isMeasured(upstream) &&
    isMeasured(bytesIn) &&
    isMeasured(bytesOut)
  ) {
    return `{"totalMs":${total},"connectMs":${connect},"upstreamMs":${upstream},"bytesIn":${bytesIn},"bytesOut":${bytesOut},"endpoint":"${endpoint}"}`;
  }
  let text = `{"totalMs":${total}`;
  for (const name of measured) {
    const digits = match[at[name]] as string;
    if (isMeasured(digits)) text += `,"${name}":${digits}`;
  }
  return endpoint === undefined ? `${text}}` : `${text},"endpoint":"${endpoint}"}`;
}

const minus = 45;

function isMeasured(digits: string): boolean {
  return digits.charCodeAt(0) !== minus;
}

const measured = ['connectMs', 'upstreamMs', 'bytesIn', 'bytesOut'] as const satisfies readonly LogField[];

function endpointIn(host: string, port: string): string | undefined {
  if (host === '' || host === '-' || numberIn(port) === undefined) return undefined;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A number that is not negative; `-` and `-1` say that there is none. */
function numberIn(text: string | undefined): number | undefined {
  return text === undefined || text.startsWith('-') ? undefined : Number(text);
}
