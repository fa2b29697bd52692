import { coreText, type ParsedRecord, type SpoolParser, type StaticCore } from '../../audit/index.ts';
import type { AuditTiming } from '../../audit/types.ts';
import type { DenialReason } from '../../gate/index.ts';
import { pathOf } from '../../protocols/index.ts';
import type { CoreBooks, WrittenCore } from './core-book.ts';
import { type LogField, logFields, logForm } from './log-format.ts';

/** What a line without a core needs: the same for all lines of a process. */
export interface LineContext {
  readonly environment: string;
  readonly epoch: string;
  /** Names of listeners, in the order of the Plan. */
  readonly listeners: readonly string[];
}

/** What may stand in a field. Nothing gets through that would have to be escaped in JSON, but in the last one. */
const count = '\\+?\\d{1,15}|-1|-';
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
  request: '.*',
};
const lineForm = new RegExp(
  `^${logForm}\t([\\w.-]{1,64})${logFields.map((name) => `\t(${forms[name]})`).join('')}$`,
  's',
);
/** Where a field stands in a match. */
const at = Object.fromEntries(logFields.map((name, index) => [name, index + 2])) as Readonly<Record<LogField, number>>;

type Match = readonly string[];

/** A core as lines are made of it. */
interface LineCore extends WrittenCore {
  /** `text` without its last brace. */
  readonly open: string;
  /** The same call, permitted and then not seen through: by reason. */
  readonly refused: Map<DenialReason, LineCore>;
}

/** Reads HAProxy's spool lines. `contextOf` knows the processes that run; lines of others get what it says of them. */
export function createLogParser(books: CoreBooks, contextOf: (worker: string) => LineContext): SpoolParser {
  const lineCores = new WeakMap<WrittenCore, LineCore>();
  const prepared = (core: WrittenCore): LineCore => {
    const known = lineCores.get(core);
    if (known !== undefined) return known;
    const made = { ...core, open: core.text.slice(0, -1), refused: new Map() };
    lineCores.set(core, made);
    return made;
  };
  return (line) => {
    const match = lineForm.exec(line);
    if (match === null) return { unreadable: `not a line of the form ${logForm}` };
    const worker = match[1] as string;
    const number = numberIn(match[at.askedCore]) ?? numberIn(match[at.keptCore]);
    const found = number === undefined ? written(unknownCore(match, contextOf(worker))) : books.of(worker).at(number);
    if (found === undefined) return { unreadable: `core ${number} of ${worker} is not written down` };
    return recordOf(match, worker, seenThrough(prepared(found), match));
  };
}

/** What HAProxy refused before anybody was asked. */
function unknownCore(match: Match, context: LineContext): StaticCore {
  const request = match[at.request] ?? '';
  const space = request.indexOf(' ');
  const path = space < 0 ? '' : pathOf(request.slice(space + 1));
  const nothing = { service: null, operation: null, action: null, resource: null, model: null, version: null };
  return {
    environment: context.environment,
    listener: context.listeners[Number(match[at.listener]) - 1] ?? '',
    method: space < 0 ? '' : request.slice(0, space),
    path: path.length <= 512 ? path : `${path.slice(0, 512)}…`,
    ...nothing,
    caller: null,
    outcome: 'deny',
    reason: ownRefusal(match, unaskedReasons) ?? (match[at.status] === '408' ? 'request-timeout' : 'request-malformed'),
    rule: null,
    ruleAt: null,
    epoch: context.epoch,
  };
}

function written(core: StaticCore): WrittenCore {
  return { core, text: coreText(core) };
}

/** The core, or that of a permit that HAProxy, or the service, did not see through. */
function seenThrough(known: LineCore, match: Match): LineCore {
  if (known.core.outcome === 'deny') return known;
  const reason = ownRefusal(match, permittedReasons) ?? upstreamFault(match);
  if (reason === undefined) return known;
  const before = known.refused.get(reason);
  if (before !== undefined) return before;
  const core = written({ ...known.core, outcome: 'deny', reason });
  const made = { ...core, open: core.text.slice(0, -1), refused: new Map() };
  known.refused.set(reason, made);
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

function recordOf(match: Match, worker: string, core: LineCore): ParsedRecord {
  const status = Math.max(0, Number(match[at.status]));
  const timeMs = Number(match[at.timeMs]);
  const requestId = `${worker}-${match[at.counter]}`;
  const line = `${worker}.${match[at.listener]}`;
  const sequence = Number(match[at.sequence]) + 1;
  const address = peer(match[at.address] ?? '');
  const traceId = traceIdOf(match[at.trace] ?? '');
  const timing = timingOf(match);
  const call = `"requestId":"${requestId}","timeMs":${timeMs},"worker":"${line}","sequence":${sequence}`;
  const trace = traceId === null ? 'null' : `"${traceId}"`;
  const whole = `"core":${core.open},"status":${status},"traceId":${trace}}`;
  return {
    requestId,
    timeMs,
    worker: line,
    sequence,
    engine: 'haproxy',
    address,
    core: { ...core.core, status, traceId },
    timing,
    coreText: core.text,
    text: `${call},"engine":"haproxy","address":"${address}",${whole},"timing":${timingText(timing)}`,
  };
}

function peer(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** W3C Trace Context: version 00, neither id all zeros. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceIdOf(text: string): string | null {
  return text.length < 55 ? null : (traceparent.exec(text)?.[1] ?? null);
}

type WritableTiming = { -readonly [Name in keyof AuditTiming]: AuditTiming[Name] };

function timingOf(match: Match): AuditTiming {
  const timing: WritableTiming = { totalMs: numberIn(match[at.totalMs]) ?? 0 };
  const connectMs = numberIn(match[at.connectMs]);
  if (connectMs !== undefined) timing.connectMs = connectMs;
  const upstreamMs = numberIn(match[at.upstreamMs]);
  if (upstreamMs !== undefined) timing.upstreamMs = upstreamMs;
  const bytesIn = numberIn(match[at.bytesIn]);
  if (bytesIn !== undefined) timing.bytesIn = bytesIn;
  const bytesOut = numberIn(match[at.bytesOut]);
  if (bytesOut !== undefined) timing.bytesOut = bytesOut;
  const endpoint = endpointIn(match[at.endpointHost] ?? '', match[at.endpointPort] ?? '');
  if (endpoint !== undefined) timing.endpoint = endpoint;
  return timing;
}

/** JSON, written out: it is made for every call. */
function timingText({ totalMs, connectMs, upstreamMs, bytesIn, bytesOut, endpoint }: AuditTiming): string {
  let text = `{"totalMs":${totalMs}`;
  if (connectMs !== undefined) text += `,"connectMs":${connectMs}`;
  if (upstreamMs !== undefined) text += `,"upstreamMs":${upstreamMs}`;
  if (bytesIn !== undefined) text += `,"bytesIn":${bytesIn}`;
  if (bytesOut !== undefined) text += `,"bytesOut":${bytesOut}`;
  if (endpoint !== undefined) text += `,"endpoint":"${endpoint}"`;
  return `${text}}`;
}

function endpointIn(host: string, port: string): string | undefined {
  if (host === '' || host === '-' || numberIn(port) === undefined) return undefined;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A number that is not negative; `-` and `-1` say that there is none. */
function numberIn(text: string | undefined): number | undefined {
  return text === undefined || text.startsWith('-') ? undefined : Number(text);
}
