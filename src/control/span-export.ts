import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ChainedCalls } from '../audit/types.ts';
import type { TelemetryPlan } from '../plan/types.ts';
import { isSampled, type OtlpSpan, otlpBody, type SpanSource, spansOf } from '../telemetry/index.ts';
import { messageOf } from './fault.ts';

/** Spans that wait at most; what is over is dropped, and counted. */
const waitingMax = 8192;
/** Spans of one request at most. */
const batchMax = 512;
/** How long a span waits for company. */
const pauseMs = 1000;
/** How long the collector may take. */
const answerMsMax = 5000;
const answerBytesMax = 65_536;

export interface SpanExportOptions {
  readonly source: SpanSource;
  readonly log: (line: string) => void;
}

/** What became of spans. */
export interface SpanCounts {
  readonly sent: number;
  /** The queue was full. */
  readonly dropped: number;
  /** The collector didn't take them. */
  readonly failed: number;
}

/**
 * Sends spans of calls to a collector, batch by batch, one request at a time. They are made from the audit's records, so they are
 * equal on every engine, and no call waits for them. A batch that is not taken is not sent again.
 */
export class SpanExport {
  readonly #options: SpanExportOptions;
  readonly #counts = { sent: 0, dropped: 0, failed: 0 };
  #plan: TelemetryPlan | undefined;
  #waiting: OtlpSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #fault: string | undefined;

  constructor(options: SpanExportOptions) {
    this.#options = options;
  }

  /** Undefined: no spans are exported. */
  get counts(): SpanCounts | undefined {
    return this.#plan === undefined ? undefined : { ...this.#counts };
  }

  /** From now on, this is where spans go. */
  configure(plan: TelemetryPlan | undefined): void {
    this.#plan = plan;
    if (plan === undefined) this.#waiting = [];
  }

  /** Makes the spans of those calls of a block that are sampled. */
  observe(calls: ChainedCalls): void {
    const plan = this.#plan;
    if (plan === undefined) return;
    for (let call = 0; call < calls.count; call += 1) {
      if (isSampled(calls, call, plan.samplePpm)) this.#add(spansOf(calls.record(call)));
    }
  }

  /** Sends what waits, as far as it can be sent within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    const late = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
    await Promise.race([late, this.#sendAll()]);
    this.configure(undefined);
  }

  /** All spans of a call, or none. */
  #add(spans: readonly OtlpSpan[]): void {
    if (this.#waiting.length + spans.length > waitingMax) {
      this.#counts.dropped += spans.length;
      return;
    }
    this.#waiting.push(...spans);
    if (this.#waiting.length >= batchMax) void this.#sendAll();
    else this.#timer ??= setTimeout(() => void this.#sendAll(), pauseMs).unref();
  }

  #sendAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendBatches().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendBatches(): Promise<void> {
    while (this.#waiting.length > 0 && this.#plan !== undefined) {
      const batch = this.#waiting.splice(0, batchMax);
      try {
        const rejected = await post(this.#plan.otlp, otlpBody(batch, this.#options.source));
        this.#counts.sent += batch.length - rejected;
        this.#counts.failed += rejected;
        this.#settle(rejected === 0 ? undefined : 'it rejects spans');
      } catch (error) {
        this.#counts.failed += batch.length;
        this.#settle(messageOf(error));
      }
    }
  }

  /** Says it once, and when it is over. */
  #settle(fault: string | undefined): void {
    const before = this.#fault;
    this.#fault = fault;
    if ((before === undefined) === (fault === undefined)) return;
    this.#options.log(
      fault === undefined ? 'spans are sent again' : `spans can't be sent to ${this.#plan?.otlp}: ${fault}`,
    );
  }
}

/** Sends one request; returns how many spans the collector rejected. Rejects where it doesn't take them. */
async function post(otlp: string, body: string): Promise<number> {
  const url = `${otlp.replace(/\/$/, '')}/v1/traces`;
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = send(url, { method: 'POST', headers, signal: AbortSignal.timeout(answerMsMax) }, resolve);
  outgoing.on('error', reject);
  outgoing.end(body);
  const incoming = await promise;
  const text = await textOf(incoming);
  if (incoming.statusCode !== 200) throw new Error(`it answers ${incoming.statusCode}`);
  return rejectedIn(text);
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    text += chunk;
    if (text.length > answerBytesMax) throw new Error('it answers more than is read');
  }
  return text;
}

/** ExportTraceServiceResponse: what is rejected of what was taken. An empty answer rejects nothing. */
function rejectedIn(text: string): number {
  if (text === '') return 0;
  const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedSpans?: string | number } };
  return Number(partialSuccess?.rejectedSpans ?? 0);
}
