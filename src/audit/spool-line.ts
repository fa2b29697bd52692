import { rememberedCoresMax } from './bounds.ts';
import type { AuditCore, AuditRecord, AuditTiming, ParsedRecord } from './types.ts';

/** What of a core is known when the decision is: equal for every call that the kept decision answers. */
export type StaticCore = Omit<AuditCore, 'status' | 'traceId'>;

/** What differs from call to call. No field may hold a tab or a newline; the engine makes them all. */
export interface SpoolCall extends AuditTiming {
  readonly requestId: string;
  readonly timeMs: number;
  readonly worker: string;
  readonly sequence: number;
  readonly address: string;
  readonly status: number;
  readonly traceId: string | null;
}

/**
 * The static part of a spool line: made once for a kept decision, then given to `spoolLine` for each of its calls, which
 * spares the hot path from JSON. Holds a checksum, by which the reader finds the part again without parsing it.
 */
export function spoolCore(core: StaticCore): string {
  const text = coreText(core);
  return `${checksum(text)}\t${text}\n`;
}

/** JSON of the static part, keys in the order of AuditCore whatever their order in `core`. */
export function coreText(core: StaticCore): string {
  const { environment, listener, method, path, service, operation, action, resource, model, version } = core;
  const { outcome, reason, rule, ruleAt, epoch } = core;
  const caller = core.caller && callerFields(core.caller);
  const who = { environment, listener, method, path, service, operation, action, resource, model, version, caller };
  return JSON.stringify({ ...who, outcome, reason, rule, ruleAt, epoch });
}

function callerFields(caller: NonNullable<StaticCore['caller']>): NonNullable<StaticCore['caller']> {
  const { identity, issuer, subject, id, client } = caller;
  return { identity, issuer, subject, id, client };
}

/**
 * One line of the embedded engine's spool, newline and all. Fields between tabs: `h1`, id, time, worker, sequence, address,
 * status, trace id, total, connect, upstream (milliseconds), bytes in, bytes out, endpoint, checksum, static core as JSON.
 * What is not known is empty. JSON escapes tabs and newlines, so that no path can forge a field or a line.
 */
export function spoolLine(call: SpoolCall, core: string): string {
  const timing = `${ms(call.totalMs)}\t${ms(call.connectMs)}\t${ms(call.upstreamMs)}\t${call.bytesIn ?? ''}\t${call.bytesOut ?? ''}`;
  const head = `h1\t${call.requestId}\t${call.timeMs}\t${call.worker}\t${call.sequence}\t${call.address}`;
  return `${head}\t${call.status}\t${call.traceId ?? ''}\t${timing}\t${call.endpoint ?? ''}\t${core}`;
}

/** A whole record as a spool line; for tests and cold paths. `engine` is not kept: it is `embedded`. */
export function encodeSpoolLine(record: AuditRecord): string {
  const { requestId, timeMs, worker, sequence, address, core, timing } = record;
  const call = { requestId, timeMs, worker, sequence, address, status: core.status, traceId: core.traceId, ...timing };
  return spoolLine(call, spoolCore(core));
}

/** A parser of the embedded engine's spool lines; it remembers static parts, so that their JSON is read once. */
export function createSpoolLineParser(): (line: string) => ParsedRecord | { unreadable: string } {
  const remembered = new Map<string, KnownCore>();
  return (line) => {
    const fields = headForm.exec(line);
    if (fields === null) return { unreadable: 'not a line of the form h1' };
    const sum = fields[14] as string;
    const at = (fields[0] as string).length;
    let known = remembered.get(sum);
    if (known === undefined || line.length - at !== known.text.length || !line.startsWith(known.text, at)) {
      known = readCore(sum, line.slice(at));
      if (known === undefined) return { unreadable: 'the core does not match its checksum, or is not JSON' };
      if (remembered.size >= rememberedCoresMax) remembered.clear();
      remembered.set(sum, known);
    }
    return recordOf(fields, known);
  };
}

/** Reads one line. A run over many lines is faster by `createSpoolLineParser()`. */
export function parseSpoolLine(line: string): ParsedRecord | { unreadable: string } {
  return createSpoolLineParser()(line);
}

/** A static core that was met before. */
interface KnownCore {
  readonly text: string;
  /** `text` without its last brace. */
  readonly open: string;
  readonly core: StaticCore;
}

/** Everything before the core. It lets nothing through that would have to be escaped in JSON, and only JSON's numbers. */
const number = '(?:0|[1-9]\\d{0,15})(?:\\.\\d{1,6})?';
const headForm = new RegExp(
  `^h1\t([\\w.:-]{1,64})\t([1-9]\\d{0,14})\t([\\w.:-]{1,64})\t([1-9]\\d{0,14})\t([\\w.:%[\\]]{0,64})\t(0|[1-9]\\d\\d)\t([0-9a-f]{32})?` +
    `\t(${number})\t(${number})?\t(${number})?\t(0|[1-9]\\d{0,15})?\t(0|[1-9]\\d{0,15})?\t([\\w.:[\\]-]{1,80})?\t([0-9a-f]{8})\t`,
);

function readCore(sum: string, text: string): KnownCore | undefined {
  if (checksum(text) !== sum) return undefined;
  try {
    return { text, open: text.slice(0, -1), core: JSON.parse(text) as StaticCore };
  } catch {
    return undefined;
  }
}

function recordOf(fields: readonly (string | undefined)[], known: KnownCore): ParsedRecord {
  const [, requestId = '', timeMs, worker = '', sequence, address = '', status, traceId] = fields;
  const times = timingText(fields);
  const call = `"requestId":"${requestId}","timeMs":${timeMs},"worker":"${worker}","sequence":${sequence}`;
  const trace = traceId === undefined ? 'null' : `"${traceId}"`;
  const core = `"core":${known.open},"status":${status},"traceId":${trace}}`;
  return {
    requestId,
    timeMs: Number(timeMs),
    worker,
    sequence: Number(sequence),
    engine: 'embedded',
    address,
    core: { ...known.core, status: Number(status), traceId: traceId ?? null },
    timing: timingOf(fields),
    coreText: known.text,
    text: `${call},"engine":"embedded","address":"${address}",${core},"timing":{${times}}`,
  };
}

function timingOf(fields: readonly (string | undefined)[]): AuditTiming {
  const timing: { -readonly [Key in keyof AuditTiming]: AuditTiming[Key] } = { totalMs: Number(fields[8]) };
  if (fields[9] !== undefined) timing.connectMs = Number(fields[9]);
  if (fields[10] !== undefined) timing.upstreamMs = Number(fields[10]);
  if (fields[11] !== undefined) timing.bytesIn = Number(fields[11]);
  if (fields[12] !== undefined) timing.bytesOut = Number(fields[12]);
  if (fields[13] !== undefined) timing.endpoint = fields[13];
  return timing;
}

/** The same as JSON, from the fields' own text. */
function timingText(fields: readonly (string | undefined)[]): string {
  let text = `"totalMs":${fields[8]}`;
  if (fields[9] !== undefined) text += `,"connectMs":${fields[9]}`;
  if (fields[10] !== undefined) text += `,"upstreamMs":${fields[10]}`;
  if (fields[11] !== undefined) text += `,"bytesIn":${fields[11]}`;
  if (fields[12] !== undefined) text += `,"bytesOut":${fields[12]}`;
  return fields[13] === undefined ? text : `${text},"endpoint":"${fields[13]}"`;
}

/** Milliseconds with three decimals at most. */
function ms(value: number | undefined): number | '' {
  return value === undefined ? '' : Math.round(value * 1000) / 1000;
}

/** FNV-1a over the UTF-16 units, 32 bits, hex. Finds a part again and catches bit rot; it proves nothing. */
function checksum(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(16).padStart(8, '0');
}
