import { rememberedCoresMax } from './bounds.ts';
import { heldCore } from './chain-line.ts';
import { byteKind, Copyist } from './copyist.ts';
import { openedMark, parseOpenedLine } from './opened-line.ts';
import { checksum } from './spool-line.ts';
import type { AuditRecord, HeldCore, PlainReader, SpoolParser, SpoolReader, StaticCore } from './types.ts';

/** A parser of the embedded engine's spool lines; it remembers static parts, so that their JSON is read once. */
export function createSpoolLineParser(): SpoolReader {
  const cores = new RememberedCores();
  const read: SpoolReader = (line) => (line.startsWith(openedMark) ? parseOpenedLine(line) : readLine(line, cores));
  return Object.assign(read, { plain: new PlainLines(cores) });
}

/** Reads one line of an ended call. A run over many lines is faster by `createSpoolLineParser()`. */
export function parseSpoolLine(line: string): ReturnType<SpoolParser> {
  return readLine(line, new RememberedCores());
}

/** Static cores that were met before, by checksum. */
class RememberedCores {
  readonly #cores = new Map<number, HeldCore>();

  of(sum: number): HeldCore | undefined {
    return this.#cores.get(sum);
  }

  hold(sum: number, held: HeldCore): HeldCore {
    if (this.#cores.size >= rememberedCoresMax) this.#cores.clear();
    this.#cores.set(sum, held);
    return held;
  }
}

function readLine(line: string, cores: RememberedCores): ReturnType<SpoolParser> {
  const match = lineForm.exec(line);
  if (match === null) return { unreadable: 'not a line of the form h2' };
  const [head, sum = ''] = match;
  const text = `{${line.slice(head.length, -1)}`;
  if (!line.endsWith('}') || checksum(text) !== sum) return { unreadable: 'the core does not match its checksum' };
  try {
    const { kind, ...record } = JSON.parse(line.slice(eventStart)) as AuditRecord & { kind: 'call' };
    // Twice read: what stands behind the status and the trace id is the static core.
    const held = cores.hold(Number.parseInt(sum, 16), heldCore(JSON.parse(text) as StaticCore, text));
    return { ...record, held };
  } catch {
    return { unreadable: 'the core is not JSON' };
  }
}

const name = '"[\\w.:-]{1,64}"';
const count = '(?:0|[1-9]\\d{0,14})';
const time = `${count}(?:\\.\\d{1,6})?`;

/** Everything before the static core, to the letter, so that it may stand in the chain as it is. Captures the checksum. */
const lineForm = new RegExp(
  `^h2\\t([0-9a-f]{8})\\t\\{"kind":"call","requestId":${name},"timeMs":[1-9]\\d{0,14},"worker":${name},"sequence":[1-9]\\d{0,14},` +
    `"engine":"embedded","address":"[\\w.:%]{0,64}","timing":\\{"totalMs":${time}(?:,"gateMs":${time})?(?:,"connectMs":${time})?` +
    `(?:,"upstreamMs":${time})?(?:,"bytesIn":${count})?(?:,"bytesOut":${count})?(?:,"endpoint":"[\\w.:[\\]-]{1,80}")?(?:,"grpcStatus":${count})?` +
    `(?:,"queueMs":${time})?(?:,"tries":${count})?(?:,"leader":${name})?` +
    `(?:,"messagesIn":${count})?(?:,"messagesOut":${count})?(?:,"firstMs":${time})?\\},` +
    `"core":\\{"status":(?:0|[1-9]\\d\\d),"traceId":(?:null|"[0-9a-f]{32}"(?:,"span":"[0-9a-f]{16}-[0-9a-f]{2}")?),`,
);
const eventStart = 'h2\t01234567\t'.length;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const form = {
  start: bytes('h2\t'),
  tab: bytes('\t'),
  requestId: bytes('{"kind":"call","requestId":"'),
  timeMs: bytes('","timeMs":'),
  worker: bytes(',"worker":"'),
  sequence: bytes('","sequence":'),
  address: bytes(',"engine":"embedded","address":"'),
  totalMs: bytes('","timing":{"totalMs":'),
  gateMs: bytes(',"gateMs":'),
  connectMs: bytes(',"connectMs":'),
  upstreamMs: bytes(',"upstreamMs":'),
  bytesIn: bytes(',"bytesIn":'),
  bytesOut: bytes(',"bytesOut":'),
  endpoint: bytes(',"endpoint":"'),
  grpcStatus: bytes(',"grpcStatus":'),
  queueMs: bytes(',"queueMs":'),
  tries: bytes(',"tries":'),
  leader: bytes(',"leader":"'),
  messagesIn: bytes(',"messagesIn":'),
  messagesOut: bytes(',"messagesOut":'),
  firstMs: bytes(',"firstMs":'),
  status: bytes('},"core":{"status":'),
  traceId: bytes(',"traceId":'),
  span: bytes(',"span":"'),
  dash: bytes('-'),
  none: bytes('null'),
  quote: bytes('"'),
  comma: bytes(','),
} as const;
const kinds = {
  name: byteKind(/[\w.:-]/),
  address: byteKind(/[\w.:%]/),
  endpoint: byteKind(/[\w.:[\]-]/),
  hex: byteKind(/[0-9a-f]/),
} as const;

/** The same form, read byte by byte; its cores are those that a line read as text has brought. */
class PlainLines implements PlainReader {
  next = 0;
  timeMs = 0;
  status = 0;
  totalMs = 0;
  upstreamMs = -1;
  queueMs = -1;
  bytesIn = -1;
  bytesOut = -1;
  grpcStatus = -1;
  messagesIn = -1;
  messagesOut = -1;
  firstMs = -1;
  core!: HeldCore;
  readonly #cores: RememberedCores;
  readonly #copyist = new Copyist();

  constructor(cores: RememberedCores) {
    this.#cores = cores;
  }

  read(lines: Buffer, from: number, out: Buffer, at: number): number {
    const copyist = this.#copyist;
    copyist.begin(lines, from, out, at);
    copyist.take(form.start);
    const held = this.#cores.of(copyist.hexadecimal(8));
    copyist.take(form.tab);
    if (held === undefined || !copyist.ok) return 0;
    this.#call(copyist);
    this.#timing(copyist);
    this.#answer(copyist);
    const end = copyist.copyEnd(held.tail);
    this.next = copyist.from;
    this.core = held;
    return end;
  }

  #call(copyist: Copyist): void {
    copyist.copy(form.requestId);
    copyist.run(kinds.name, nameMax);
    copyist.copy(form.timeMs);
    this.timeMs = copyist.count();
    copyist.copy(form.worker);
    copyist.run(kinds.name, nameMax);
    copyist.copy(form.sequence);
    const sequence = copyist.count();
    copyist.copy(form.address);
    copyist.run(kinds.address, nameMax);
    if (this.timeMs === 0 || sequence === 0) copyist.ok = false;
  }

  #timing(copyist: Copyist): void {
    copyist.copy(form.totalMs);
    this.totalMs = copyist.decimal();
    this.#measured(form.gateMs);
    this.#measured(form.connectMs);
    this.upstreamMs = this.#measured(form.upstreamMs);
    this.bytesIn = this.#counted(form.bytesIn);
    this.bytesOut = this.#counted(form.bytesOut);
    if (copyist.follows(form.endpoint)) {
      copyist.copy(form.endpoint);
      copyist.run(kinds.endpoint, endpointMax);
      copyist.copy(form.quote);
    }
    this.grpcStatus = this.#counted(form.grpcStatus);
    this.queueMs = this.#measured(form.queueMs);
    this.#counted(form.tries);
    if (copyist.follows(form.leader)) {
      copyist.copy(form.leader);
      copyist.run(kinds.name, nameMax);
      copyist.copy(form.quote);
    }
    this.messagesIn = this.#counted(form.messagesIn);
    this.messagesOut = this.#counted(form.messagesOut);
    this.firstMs = this.#measured(form.firstMs);
  }

  /** A whole number that may be left out: -1. */
  #counted(member: Uint8Array): number {
    const copyist = this.#copyist;
    if (!copyist.follows(member)) return -1;
    copyist.copy(member);
    return copyist.count();
  }

  /** A time that may be left out: -1. */
  #measured(member: Uint8Array): number {
    const copyist = this.#copyist;
    if (!copyist.follows(member)) return -1;
    copyist.copy(member);
    return copyist.decimal();
  }

  #answer(copyist: Copyist): void {
    copyist.copy(form.status);
    const status = copyist.count();
    if (status !== 0 && (status < 100 || status > 999)) copyist.ok = false;
    this.status = status;
    copyist.copy(form.traceId);
    if (copyist.follows(form.none)) copyist.copy(form.none);
    else {
      copyist.copy(form.quote);
      copyist.runOf(kinds.hex, traceIdLength);
      copyist.copy(form.quote);
      if (copyist.follows(form.span)) this.#span(copyist);
    }
    copyist.copy(form.comma);
  }

  #span(copyist: Copyist): void {
    copyist.copy(form.span);
    copyist.runOf(kinds.hex, spanIdLength);
    copyist.copy(form.dash);
    copyist.runOf(kinds.hex, flagsLength);
    copyist.copy(form.quote);
  }
}

const spanIdLength = 16;
const flagsLength = 2;
const nameMax = 64;
const endpointMax = 80;
const traceIdLength = 32;
