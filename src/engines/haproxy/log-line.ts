import { coreText, type ParsedRecord, type SpoolParser, type StaticCore } from '../../audit/index.ts';
import type { AuditTiming } from '../../audit/types.ts';
import { type DenialReason, denials } from '../../gate/index.ts';
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

type Fields = Readonly<Record<LogField, string>>;

/** Reads HAProxy's spool lines. `contextOf` knows the processes that run; lines of others fall back on what it says for ''. */
export function createLogParser(books: CoreBooks, contextOf: (worker: string) => LineContext): SpoolParser {
  const refused = new Map<string, WrittenCore>();
  return (line) => {
    const parts = line.split('\t');
    const [form, worker = ''] = parts;
    if (form !== logForm || parts.length !== logFields.length + 2)
      return { unreadable: `not a line of the form ${logForm}` };
    const fields = Object.fromEntries(logFields.map((name, index) => [name, parts[index + 2]])) as Fields;
    const context = contextOf(worker);
    const known = coreOf(fields, { books, worker, context });
    if (known === undefined) return { unreadable: `core ${fields.askedCore} of ${worker} is not written down` };
    return recordOf(fields, { worker, core: overridden(known, fields, refused) });
  };
}

interface Source {
  readonly books: CoreBooks;
  readonly worker: string;
  readonly context: LineContext;
}

function coreOf(fields: Fields, { books, worker, context }: Source): WrittenCore | undefined {
  const number = numberIn(fields.askedCore) ?? numberIn(fields.keptCore);
  if (number !== undefined) return books.of(worker).at(number);
  return written(unknownCore(fields, context));
}

/** What HAProxy refused before anybody was asked. */
function unknownCore({ request, listener, reason }: Fields, context: LineContext): StaticCore {
  const space = request.indexOf(' ');
  const path = space < 0 ? '' : pathOf(request.slice(space + 1));
  return {
    environment: context.environment,
    listener: context.listeners[Number(listener) - 1] ?? '',
    method: space < 0 ? '' : request.slice(0, space),
    path: path.length <= 512 ? path : `${path.slice(0, 512)}…`,
    service: null,
    operation: null,
    action: null,
    resource: null,
    model: null,
    version: null,
    caller: null,
    outcome: 'deny',
    reason: isReason(reason) ? reason : 'request-malformed',
    rule: null,
    ruleAt: null,
    epoch: context.epoch,
  };
}

function written(core: StaticCore): WrittenCore {
  return { core, text: coreText(core) };
}

/** A permit that HAProxy, or the service, did not see through. */
function overridden(known: WrittenCore, fields: Fields, refused: Map<string, WrittenCore>): WrittenCore {
  const reason = isReason(fields.reason) ? fields.reason : upstreamFault(fields);
  if (reason === undefined || known.core.reason === reason) return known;
  const key = `${reason} ${known.text}`;
  const found = refused.get(key) ?? written({ ...known.core, outcome: 'deny', reason });
  if (refused.size >= refusedMax) refused.clear();
  refused.set(key, found);
  return found;
}

/** Refused variants of cores that are remembered. */
const refusedMax = 10_000;

/** HAProxy's own answer in place of the service's: its status, and how the session ended (configuration.txt, section 8.5). */
function upstreamFault({ status, termination }: Fields): DenialReason | undefined {
  if (status === '408') return 'request-timeout';
  if (!/^[SsPIR][CHQ]/.test(termination)) return undefined;
  if (status === '502') return 'upstream-malformed';
  if (status === '503') return 'upstream-unavailable';
  return status === '504' ? 'upstream-timeout' : undefined;
}

function isReason(text: string): text is DenialReason {
  return Object.hasOwn(denials, text);
}

function recordOf(
  fields: Fields,
  { worker, core }: { readonly worker: string; readonly core: WrittenCore },
): ParsedRecord {
  const status = Math.max(0, Number(fields.status) || 0);
  return {
    requestId: `${worker}-${fields.counter}`,
    timeMs: Number(fields.timeMs),
    worker: `${worker}.${fields.listener}`,
    sequence: Number(fields.sequence) + 1,
    engine: 'haproxy',
    address: fields.address.startsWith('::ffff:') ? fields.address.slice(7) : fields.address,
    core: { ...core.core, status, traceId: traceIdOf(fields.trace) },
    timing: timingOf(fields),
    coreText: core.text,
  };
}

/** W3C Trace Context: version 00, neither id all zeros. */
function traceIdOf(text: string): string | null {
  return /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.exec(text)?.[1] ?? null;
}

function timingOf(fields: Fields): AuditTiming {
  const [totalMs, connectMs, upstreamMs] = [fields.totalMs, fields.connectMs, fields.upstreamMs].map(numberIn);
  const [bytesIn, bytesOut] = [fields.bytesIn, fields.bytesOut].map(numberIn);
  const endpoint = endpointIn(fields);
  return {
    totalMs: totalMs ?? 0,
    ...(connectMs !== undefined && { connectMs }),
    ...(upstreamMs !== undefined && { upstreamMs }),
    ...(bytesIn !== undefined && { bytesIn }),
    ...(bytesOut !== undefined && { bytesOut }),
    ...(endpoint !== undefined && { endpoint }),
  };
}

function endpointIn({ endpointHost, endpointPort }: Fields): string | undefined {
  if (endpointHost === '-' || numberIn(endpointPort) === undefined) return undefined;
  return endpointHost.includes(':') ? `[${endpointHost}]:${endpointPort}` : `${endpointHost}:${endpointPort}`;
}

/** A number that is not negative; `-` and `-1` say that there is none. */
function numberIn(text: string): number | undefined {
  return /^\+?\d+$/.test(text) ? Number(text) : undefined;
}
