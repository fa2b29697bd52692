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
 * spares the hot path from JSON. Ends in a checksum, by which the reader finds the part again without parsing it.
 */
export function spoolCore(core: StaticCore): string {
  const text = coreText(core);
  return `${text.slice(1)}}\t${checksum(text)}\n`;
}

/** JSON of the static part, keys in the order of AuditCore whatever their order in `core`. */
export function coreText(core: StaticCore): string {
  const { environment, listener, method, path, service, operation, action, resource, model, version } = core;
  const { outcome, reason, rule, ruleAt, epoch, grpcStatus } = core;
  const caller = core.caller && callerFields(core.caller);
  const who = { environment, listener, method, path, service, operation, action, resource, model, version, caller };
  return JSON.stringify({ ...who, outcome, reason, rule, ruleAt, epoch, grpcStatus });
}

function callerFields(caller: NonNullable<StaticCore['caller']>): NonNullable<StaticCore['caller']> {
  const { identity, issuer, subject, id, client } = caller;
  return { identity, issuer, subject, id, client };
}

/**
 * One line of the embedded engine's spool, newline and all: `h1`, a tab, the record as JSON, a tab, the checksum of the
 * static core, which stands last in the JSON. JSON escapes tabs and newlines, so that no path can forge a line; the fields of
 * `call` are written as they are, so the engine makes them of letters, digits and `_ . : -` alone.
 */
export function spoolLine(call: SpoolCall, core: string): string {
  const connect = call.connectMs === undefined ? '' : `,"connectMs":${ms(call.connectMs)}`;
  const upstream = call.upstreamMs === undefined ? '' : `,"upstreamMs":${ms(call.upstreamMs)}`;
  const bytesIn = call.bytesIn === undefined ? '' : `,"bytesIn":${call.bytesIn}`;
  const bytesOut = call.bytesOut === undefined ? '' : `,"bytesOut":${call.bytesOut}`;
  const endpoint = call.endpoint === undefined ? '' : `,"endpoint":"${call.endpoint}"`;
  const grpc = call.grpcStatus === undefined ? '' : `,"grpcStatus":${call.grpcStatus}`;
  const trace = call.traceId === null ? 'null' : `"${call.traceId}"`;
  const who = `"requestId":"${call.requestId}","timeMs":${call.timeMs},"worker":"${call.worker}","sequence":${call.sequence}`;
  const timing = `"totalMs":${ms(call.totalMs)}${connect}${upstream}${bytesIn}${bytesOut}${endpoint}${grpc}`;
  const from = `"engine":"embedded","address":"${call.address}","timing":{${timing}}`;
  return `h1\t{${who},${from},"core":{"status":${call.status},"traceId":${trace},${core}`;
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
    const sum = line.slice(-8);
    let known = remembered.get(sum);
    // Slices compare as blocks; startsWith and endsWith go character by character (Node 24), which took longer than all else.
    if (known === undefined || line.slice(line.length - known.tail.length) !== known.tail) {
      known = readCore(line, sum);
      if (known === undefined) return { unreadable: 'the core does not match its checksum, or is not JSON' };
      if (remembered.size >= rememberedCoresMax) remembered.clear();
      remembered.set(sum, known);
    }
    headForm.lastIndex = 3;
    const head = headForm.exec(line);
    const whole = head !== null && line.startsWith('h1\t') && headForm.lastIndex === line.length - known.tail.length;
    return whole ? new LineRecord(line, head, known) : { unreadable: 'not a line of the form h1' };
  };
}

/** Reads one line. A run over many lines is faster by `createSpoolLineParser()`. */
export function parseSpoolLine(line: string): ParsedRecord | { unreadable: string } {
  return createSpoolLineParser()(line);
}

/** A static core that was met before. */
interface KnownCore {
  /** The end of its lines: the core without its first brace, the record's brace, tab, checksum. */
  readonly tail: string;
  readonly text: string;
  /** `text` without its first brace. */
  readonly bytes: Uint8Array;
  readonly core: StaticCore;
}

/** What follows `"traceId":…,` in a line, if it matches its checksum. */
function readCore(line: string, sum: string): KnownCore | undefined {
  headForm.lastIndex = 3;
  if (!headForm.test(line)) return undefined;
  const tail = line.slice(headForm.lastIndex);
  const text = `{${tail.slice(0, -10)}`;
  if (tail !== `${text.slice(1)}}\t${sum}` || checksum(text) !== sum) return undefined;
  try {
    return { tail, text, bytes: Buffer.from(text.slice(1)), core: JSON.parse(text) as StaticCore };
  } catch {
    return undefined;
  }
}

const name = '"[\\w.:-]{1,64}"';
const count = '(?:0|[1-9]\\d{0,15})';
const time = `${count}(?:\\.\\d{1,6})?`;

/** Everything before the static core, to the letter, so that it may stand in the chain as it is. Captures what metrics read. */
const headForm = new RegExp(
  `\\{"requestId":${name},"timeMs":([1-9]\\d{0,14}),"worker":${name},"sequence":([1-9]\\d{0,14}),` +
    `"engine":"embedded","address":"[\\w.:%]{0,64}","timing":\\{"totalMs":(${time})(?:,"connectMs":${time})?` +
    `(?:,"upstreamMs":${time})?(?:,"bytesIn":${count})?(?:,"bytesOut":${count})?(?:,"endpoint":"[\\w.:[\\]-]{1,80}")?(?:,"grpcStatus":\\d{1,2})?\\},` +
    `"core":\\{"status":(0|[1-9]\\d\\d),"traceId":(?:null|"[0-9a-f]{32}"),`,
  'y',
);

/** A record over its line. Its objects are made when asked for; the writer and the metrics need none of them. */
class LineRecord implements ParsedRecord {
  readonly timeMs: number;
  readonly sequence: number;
  readonly engine = 'embedded';
  readonly coreText: string;
  readonly coreTail: Uint8Array;
  readonly brief: { readonly status: number; readonly totalMs: number };
  readonly #line: string;
  readonly #core: StaticCore;
  readonly #tailLength: number;
  #record: AuditRecord | undefined;

  constructor(line: string, head: RegExpExecArray, known: KnownCore) {
    this.timeMs = Number(head[1]);
    this.sequence = Number(head[2]);
    this.coreText = known.text;
    this.coreTail = known.bytes;
    this.brief = { status: Number(head[4]), totalMs: Number(head[3]) };
    this.#line = line;
    this.#core = known.core;
    this.#tailLength = known.tail.length;
  }

  get requestId(): string {
    return this.#parsed().requestId;
  }

  get worker(): string {
    return this.#parsed().worker;
  }

  get address(): string {
    return this.#parsed().address;
  }

  get timing(): AuditTiming {
    return this.#parsed().timing;
  }

  get core(): AuditCore {
    return { ...this.#core, status: this.brief.status, traceId: this.#parsed().core.traceId };
  }

  get head(): string {
    return this.#line.slice(4, -this.#tailLength);
  }

  #parsed(): AuditRecord {
    this.#record ??= JSON.parse(this.#line.slice(3, -9)) as AuditRecord;
    return this.#record;
  }
}

/** Milliseconds with three decimals at most, as text. From whole numbers, which V8 prints in half the time of fractions. */
function ms(value: number): string {
  const micros = Math.max(0, Math.round(value * 1000));
  const rest = micros % 1000;
  const whole = (micros - rest) / 1000;
  if (rest === 0) return String(whole);
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`;
}

/** FNV-1a over the UTF-16 units, 32 bits, hex. Finds a part again and catches bit rot; it proves nothing. */
function checksum(text: string): string {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return (sum >>> 0).toString(16).padStart(8, '0');
}
