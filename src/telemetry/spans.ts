import type { AuditCore, AuditRecord } from '../audit/types.ts';
import { firstMessageEvent, resourceAttributes, spanAttributes, spanNames } from './span-names.ts';
import { childSpanId, spanIdsOf } from './trace.ts';

type Attribute = {
  readonly key: string;
  readonly value: { readonly stringValue: string } | { readonly intValue: string };
};

/** A span as OTLP/HTTP has it in JSON (opentelemetry-proto, trace.proto): ids as hexadecimal, 64-bit numbers as text. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events?: readonly { readonly timeUnixNano: string; readonly name: string }[];
  readonly status: { readonly code?: number };
}

const kinds = { internal: 1, server: 2, client: 3 } as const;
const errorCode = 2;
/** Of gRPC. */
const unimplemented = 12;

/** The span of a call and, of what is known of it, those of its parts: what the gate, the queue and the service took. */
export function spansOf(record: AuditRecord): OtlpSpan[] {
  const { requestId, timeMs, core, timing } = record;
  const own = spanIdsOf(requestId);
  const traceId = core.traceId ?? own.traceId;
  const parentSpanId = core.span?.slice(0, -'-00'.length);
  const endUs = Math.round(timeMs * 1000);
  const startUs = endUs - Math.round(timing.totalMs * 1000);
  const call: OtlpSpan = {
    traceId,
    spanId: own.spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name: nameOf(record),
    kind: kinds.server,
    startTimeUnixNano: nanos(startUs),
    endTimeUnixNano: nanos(endUs),
    attributes: attributesOf(record),
    ...eventsOf(timing, startUs),
    status: isFailure(record) ? { code: errorCode } : {},
  };
  return [call, ...partsOf(record, call, { startUs, endUs })];
}

function eventsOf({ firstMs }: AuditRecord['timing'], startUs: number): Pick<OtlpSpan, 'events'> {
  if (firstMs === undefined) return {};
  return { events: [{ timeUnixNano: nanos(startUs + Math.round(firstMs * 1000)), name: firstMessageEvent }] };
}

/** Low in number, as span names have to be: never what a caller made up. */
function nameOf({ core, timing }: AuditRecord): string {
  const { operation, resource, rule, method } = core;
  if (operation === null) return /^[A-Z]{3,7}$/.test(method) ? method : 'call';
  // A rule may let any method through: that there is none of this name is the service's to say.
  if (operation === 'call' && timing.grpcStatus === unimplemented) return operation;
  return rule === null || resource === null ? operation : `${operation} ${resource}`;
}

/** OpenTelemetry: of a server, what is the caller's own fault is no error. */
function isFailure({ core, timing }: AuditRecord): boolean {
  const grpcStatus = timing.grpcStatus ?? core.grpcStatus;
  return core.status >= 500 || (grpcStatus !== null && serverFaults.has(grpcStatus));
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const serverFaults: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

interface Span {
  readonly startUs: number;
  readonly endUs: number;
}

/** One after the other from the start on, which is their order: what is recorded is how long each took. */
function partsOf({ requestId, timing }: AuditRecord, call: OtlpSpan, { startUs, endUs }: Span): OtlpSpan[] {
  const { gateMs, queueMs, upstreamMs, connectMs = 0, endpoint } = timing;
  const parts = [
    { name: spanNames.gate, kind: kinds.internal, tookMs: gateMs, attributes: [] },
    { name: spanNames.queue, kind: kinds.internal, tookMs: queueMs, attributes: [] },
    {
      name: spanNames.upstream,
      kind: kinds.client,
      tookMs: upstreamMs === undefined ? undefined : connectMs + upstreamMs,
      attributes: endpointAttributes(endpoint),
    },
  ];
  let atUs = startUs;
  return parts.flatMap(({ name, kind, tookMs, attributes }) => {
    if (tookMs === undefined) return [];
    const from = atUs;
    // Whole milliseconds of a proxy may come to more than the whole.
    atUs = Math.min(endUs, from + Math.round(tookMs * 1000));
    const ids = { traceId: call.traceId, spanId: childSpanId(requestId, name), parentSpanId: call.spanId };
    const times = { startTimeUnixNano: nanos(from), endTimeUnixNano: nanos(atUs) };
    return [{ ...ids, name, kind, ...times, attributes, status: {} }];
  });
}

function attributesOf({ requestId, address, core, timing }: AuditRecord): Attribute[] {
  const known = core.rule !== null;
  return attributes([
    [spanAttributes.requestId, requestId],
    [spanAttributes.method, core.method],
    [spanAttributes.path, core.path],
    [spanAttributes.status, core.status === 0 ? null : core.status],
    [spanAttributes.grpcStatus, timing.grpcStatus ?? core.grpcStatus],
    ...methodAttributes(core),
    [spanAttributes.client, address],
    [spanAttributes.listener, core.listener],
    [spanAttributes.service, core.service],
    [spanAttributes.operation, core.operation],
    [spanAttributes.model, known ? core.model : null],
    [spanAttributes.version, known ? core.version : null],
    [spanAttributes.outcome, core.outcome],
    [spanAttributes.reason, core.reason],
    [spanAttributes.rule, core.rule],
    [spanAttributes.epoch, core.epoch],
    [spanAttributes.caller, core.caller?.id],
    [spanAttributes.tries, timing.tries],
    [spanAttributes.leader, timing.leader],
    [spanAttributes.messagesIn, timing.messagesIn],
    [spanAttributes.messagesOut, timing.messagesOut],
  ]);
}

type Pairs = readonly (readonly [key: string, value: string | number | null | undefined])[];

/** Of a call to a method of the service's own, which a rule let through: `orders/acme.orders.v1.Orders/Get`. */
function methodAttributes({ operation, resource, rule }: AuditCore): Pairs {
  const [, service, method] = operation === 'call' && rule !== null ? (resource ?? '').split('/') : [];
  if (method === undefined) return [];
  return [
    [spanAttributes.rpcSystem, 'grpc'],
    [spanAttributes.rpcService, service],
    [spanAttributes.rpcMethod, method],
  ];
}

function endpointAttributes(endpoint: string | undefined): Attribute[] {
  const [, host = '', port] = /^(.*):(\d+)$/.exec(endpoint ?? '') ?? [];
  if (port === undefined) return [];
  return attributes([
    [spanAttributes.server, host.replace(/^\[|\]$/g, '')],
    [spanAttributes.serverPort, Number(port)],
  ]);
}

/** What is not known is left out. */
function attributes(pairs: Pairs): Attribute[] {
  return pairs.flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }];
  });
}

function nanos(us: number): string {
  return `${BigInt(us) * 1000n}`;
}

/** Whose spans they are. */
export interface SpanSource {
  readonly version: string;
  readonly environment: string;
  readonly engine: string;
}

/** Body of `POST /v1/traces`. */
export function otlpBody(spans: readonly OtlpSpan[], { version, environment, engine }: SpanSource): string {
  const resource = attributes([
    [resourceAttributes.name, 'headgate'],
    [resourceAttributes.version, version],
    [resourceAttributes.environment, environment],
    [resourceAttributes.engine, engine],
  ]);
  const scopeSpans = [{ scope: { name: 'headgate', version }, spans }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: resource }, scopeSpans }] });
}
