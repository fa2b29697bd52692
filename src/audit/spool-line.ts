import { coreText } from './chain-line.ts';
import type { AuditRecord, AuditTiming, StaticCore } from './types.ts';

/** What differs from call to call. No field may hold a tab or a newline; the engine makes them all. */
export interface SpoolCall extends AuditTiming {
  readonly requestId: string;
  readonly timeMs: number;
  readonly worker: string;
  readonly sequence: number;
  readonly address: string;
  readonly status: number;
  readonly traceId: string | null;
  readonly span?: string;
}

/**
 * The static part of a spool line: made once for a kept decision, then given to `spoolLine` for each of its calls, which
 * spares the hot path from JSON. Begins with a checksum, by which the reader finds the part again without parsing it.
 */
export function spoolCore(core: StaticCore): string {
  const text = coreText(core);
  return `${checksum(text)}${text.slice(1)}}\n`;
}

/**
 * One line of the embedded engine's spool, newline and all: `h2`, a tab, the checksum of the static core, a tab, and then, to the
 * letter, the line that the chain will hold. JSON escapes tabs and newlines, so that no path can forge a line; the fields of `call`
 * are written as they are, so the engine makes them of letters, digits and `_ . : -` alone.
 */
export function spoolLine(call: SpoolCall, core: string): string {
  const gate = call.gateMs === undefined ? '' : `,"gateMs":${ms(call.gateMs)}`;
  const connect = call.connectMs === undefined ? '' : `,"connectMs":${ms(call.connectMs)}`;
  const upstream = call.upstreamMs === undefined ? '' : `,"upstreamMs":${ms(call.upstreamMs)}`;
  const bytesIn = call.bytesIn === undefined ? '' : `,"bytesIn":${call.bytesIn}`;
  const bytesOut = call.bytesOut === undefined ? '' : `,"bytesOut":${call.bytesOut}`;
  const endpoint = call.endpoint === undefined ? '' : `,"endpoint":"${call.endpoint}"`;
  const grpc = call.grpcStatus === undefined ? '' : `,"grpcStatus":${call.grpcStatus}`;
  const queue = call.queueMs === undefined ? '' : `,"queueMs":${ms(call.queueMs)}`;
  const tries = call.tries === undefined ? '' : `,"tries":${call.tries}`;
  const leader = call.leader === undefined ? '' : `,"leader":"${call.leader}"`;
  const stream = streamText(call);
  const trace = traceText(call);
  const who = `"requestId":"${call.requestId}","timeMs":${call.timeMs},"worker":"${call.worker}","sequence":${call.sequence}`;
  const timing = `"totalMs":${ms(call.totalMs)}${gate}${connect}${upstream}${bytesIn}${bytesOut}${endpoint}${grpc}${queue}${tries}${leader}${stream}`;
  const from = `"engine":"embedded","address":"${call.address}","timing":{${timing}}`;
  const head = `{"kind":"call",${who},${from},"core":{"status":${call.status},"traceId":${trace},`;
  return `h2\t${core.slice(0, sumLength)}\t${head}${core.slice(sumLength)}`;
}

/** What only calls of gRPC have. */
function streamText({ messagesIn, messagesOut, firstMs }: SpoolCall): string {
  const into = messagesIn === undefined ? '' : `,"messagesIn":${messagesIn}`;
  const out = messagesOut === undefined ? '' : `,"messagesOut":${messagesOut}`;
  return firstMs === undefined ? into + out : `${into}${out},"firstMs":${ms(firstMs)}`;
}

/** The trace id as JSON, and the member behind it. */
export function traceText({ traceId, span }: Pick<SpoolCall, 'traceId' | 'span'>): string {
  if (traceId === null) return 'null';
  return span === undefined ? `"${traceId}"` : `"${traceId}","span":"${span}"`;
}

/** A whole record as a spool line; for tests and cold paths. `engine` is not kept: it is `embedded`. */
export function encodeSpoolLine(record: AuditRecord): string {
  const { requestId, timeMs, worker, sequence, address, core, timing } = record;
  const { status, traceId, span } = core;
  const call = { requestId, timeMs, worker, sequence, address, status, traceId, ...timing };
  return spoolLine({ ...call, ...(span !== undefined && { span }) }, spoolCore(core));
}

/** Of the checksum that a core begins with. */
export const sumLength = 8;

/** Milliseconds with three decimals at most, as text. From whole numbers, which V8 prints in half the time of fractions. */
function ms(value: number): string {
  const micros = Math.max(0, Math.round(value * 1000));
  const rest = micros % 1000;
  const whole = (micros - rest) / 1000;
  if (rest === 0) return String(whole);
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}

/** FNV-1a over the UTF-16 units, 32 bits, hex. Finds a part again and catches bit rot; it proves nothing. */
export function checksum(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(16).padStart(8, '0');
}
