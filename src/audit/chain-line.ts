import { unreadableTextMax } from './bounds.ts';
import type {
  AuditParty,
  AuditRecord,
  ChainEvent,
  HeldCore,
  OtherEvent,
  ParsedRecord,
  Seal,
  StaticCore,
} from './types.ts';

/** Hash before the first block. */
export const firstPrevious = '0'.repeat(64);

/** JSON of the static part, keys in the order of AuditCore whatever their order in `core`. */
export function coreText(core: StaticCore): string {
  const { environment, listener, method, path, service, operation, action, resource, model } = core;
  const { version, versionName, outcome, reason, rule, ruleAt, epoch, grpcStatus } = core;
  const caller = core.caller && callerFields(core.caller);
  const call = { environment, listener, method, path, service, operation, action, resource };
  const decided = { outcome, reason, rule, ruleAt, epoch, grpcStatus };
  return JSON.stringify({ ...call, model, version, versionName, caller, ...decided });
}

function callerFields(caller: NonNullable<StaticCore['caller']>): NonNullable<StaticCore['caller']> {
  const { identity, issuer, subject, id, client, chain } = caller;
  return { identity, issuer, subject, id, client, ...(chain && { chain: chain.map(partyFields) }) };
}

function partyFields({ issuer, subject, service }: AuditParty): AuditParty {
  return { issuer, subject, ...(service !== undefined && { service }) };
}

/** Holds a core. `text`: its JSON. */
export function heldCore(core: StaticCore, text = coreText(core)): HeldCore {
  return { core, tail: Buffer.from(`${text.slice(1)}}\n`), folded: undefined };
}

/** The line of a call up to where its static core goes on, which is how plain readers write it, too. */
export function callHead(record: ParsedRecord): string {
  const { core, timing } = record;
  const call = `"requestId":${JSON.stringify(record.requestId)},"timeMs":${record.timeMs}`;
  const worker = `"worker":${JSON.stringify(record.worker)},"sequence":${record.sequence}`;
  const from = `"engine":${JSON.stringify(record.engine)},"address":${JSON.stringify(record.address)}`;
  const span = core.span === undefined ? '' : `"span":${JSON.stringify(core.span)},`;
  const what = `"core":{"status":${core.status},"traceId":${JSON.stringify(core.traceId)},${span}`;
  return `{"kind":"call",${call},${worker},${from},"timing":${timingText(timing)},${what}`;
}

function timingText(timing: AuditRecord['timing']): string {
  const { totalMs, gateMs, connectMs, upstreamMs, bytesIn, bytesOut, endpoint, grpcStatus } = timing;
  const { queueMs, tries, leader, messagesIn, messagesOut, firstMs } = timing;
  return JSON.stringify({
    totalMs,
    gateMs,
    connectMs,
    upstreamMs,
    bytesIn,
    bytesOut,
    endpoint,
    grpcStatus,
    queueMs,
    tries,
    leader,
    messagesIn,
    messagesOut,
    firstMs,
  });
}

/** The line of an event that is no call, newline and all. `position` is the seal's to say. */
export function otherLine(event: OtherEvent): string {
  if (event.kind === 'opened') return openedEventLine(event);
  if (event.kind !== 'unreadable') return `${JSON.stringify(event)}\n`;
  const { text } = event;
  const kept = text.length > unreadableTextMax ? `${text.slice(0, unreadableTextMax)}…` : text;
  return `${JSON.stringify({ ...event, text: kept })}\n`;
}

/** Its keys in the order of OpenedCall, and its core's in that of a call's. */
function openedEventLine(event: Extract<OtherEvent, { kind: 'opened' }>): string {
  const { kind, requestId, timeMs, worker, engine, address, core } = event;
  const { traceId, span, ...known } = core;
  const head = JSON.stringify({ kind, requestId, timeMs, worker, engine, address });
  const trace = JSON.stringify({ traceId, span });
  return `${head.slice(0, -1)},"core":${trace.slice(0, -1)},${coreText(known).slice(1)}}\n`;
}

const kinds: ReadonlySet<ChainEvent['kind']> = new Set(['call', 'opened', 'unreadable', 'unrecorded', 'key']);

/** The event of a line; undefined where it holds none. */
export function readEvent(text: string, position: number): ChainEvent | undefined {
  try {
    const event = JSON.parse(text) as ChainEvent;
    return kinds.has(event.kind) ? { ...event, position } : undefined;
  } catch {
    return undefined;
  }
}

const sealStart = '{"seal":';
const sealEnd = /^,"hash":"([0-9a-f]{64})"\}$/;
const sealEndLength = ',"hash":""}'.length + 64;

/** A seal's line up to where its hash stands: what the hash covers of it. */
export function sealBody(seal: Seal): string {
  const { format, first, last, previous, spool, from, end, timeMs } = seal;
  return `${sealStart}${JSON.stringify({ format, first, last, previous, spool, from, end, timeMs })}`;
}

/** The rest of a seal's line. */
export function sealHash(hash: string): string {
  return `,"hash":"${hash}"}\n`;
}

/** Whether a line is one that closes a block, readable or not. */
export function isSeal(line: string): boolean {
  return line.startsWith(sealStart);
}

/** A seal's line, read; undefined where it is none. `covered`: how many of its characters the hash covers. */
export function readSeal(line: string): { seal: Seal; hash: string; covered: number } | undefined {
  const hash = sealEnd.exec(line.slice(-sealEndLength))?.[1];
  if (hash === undefined) return undefined;
  const covered = line.length - sealEndLength;
  try {
    const seal = JSON.parse(line.slice(sealStart.length, covered)) as Seal;
    const { format, first, last, previous, spool, from, end } = seal;
    const numbers = [first, last, from, end].every((value) => Number.isSafeInteger(value) && value >= 0);
    const texts = typeof previous === 'string' && typeof spool === 'string';
    return format === 2 && numbers && texts && first <= last ? { seal, hash, covered } : undefined;
  } catch {
    return undefined;
  }
}
