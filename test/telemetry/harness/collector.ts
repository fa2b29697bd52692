import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { z } from 'zod';
import { closeServer, listen } from '../../conformance/harness/issuer.ts';

const nonZero = (digits: number) => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`));
/** 64 bits without a sign, which JSON has as text. */
const nanos = z.string().regex(/^[1-9][0-9]{18}$/);
const attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^-?[0-9]+$/) }),
  ]),
});
const attributes = z.array(attribute);

/** Of OTLP's ExportTraceServiceRequest in JSON, as the specification maps protobuf to it, what Headgate uses: nothing else may come. */
const exported = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string().min(1), version: z.string() }),
          spans: z.array(
            z.strictObject({
              traceId: nonZero(32),
              spanId: nonZero(16),
              parentSpanId: nonZero(16).optional(),
              name: z.string().min(1),
              kind: z.int().min(1).max(5),
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              attributes,
              status: z.strictObject({ code: z.int().min(0).max(2).optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** A span as it arrived, its attributes by name. */
export interface ArrivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly tookMs: number;
  readonly startNs: bigint;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Stands in for a collector: takes spans, and holds them to the specification. */
export interface TestCollector {
  readonly url: string;
  readonly spans: ArrivedSpan[];
  /** Of the last request. */
  resource: Readonly<Record<string, string>>;
  /** What was wrong with requests. */
  readonly faults: string[];
  /** What it answers next; by default it takes everything. */
  answer: { readonly status: number; readonly body: string };
  close(): Promise<void>;
}

export async function startCollector(): Promise<TestCollector> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        assert.deepEqual([request.method, request.url], ['POST', '/v1/traces']);
        assert.equal(request.headers['content-type'], 'application/json');
        take(collector, Buffer.concat(chunks).toString());
      } catch (fault) {
        collector.faults.push(String(fault));
      }
      response.writeHead(collector.answer.status, { 'content-type': 'application/json' }).end(collector.answer.body);
    });
  });
  const port = await listen(server);
  const collector: TestCollector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    resource: {},
    faults: [],
    answer: { status: 200, body: '{"partialSuccess":{}}' },
    close: () => closeServer(server),
  };
  return collector;
}

function take(collector: TestCollector, text: string): void {
  for (const { resource, scopeSpans } of exported.parse(JSON.parse(text)).resourceSpans) {
    collector.resource = named(resource.attributes);
    for (const { attributes: list, status, startTimeUnixNano, endTimeUnixNano, ...span } of scopeSpans.flatMap(
      ({ spans }) => spans,
    )) {
      const startNs = BigInt(startTimeUnixNano);
      const tookMs = Number(BigInt(endTimeUnixNano) - startNs) / 1e6;
      assert.ok(tookMs >= 0, `${span.name} ends before it starts`);
      assert.equal(new Set(list.map(({ key }) => key)).size, list.length, 'attribute keys are unique');
      collector.spans.push({ ...span, startNs, tookMs, isError: status.code === 2, attributes: named(list) });
    }
  }
}

function named(list: z.infer<typeof attributes>): Record<string, string> {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, 'stringValue' in value ? value.stringValue : value.intValue]),
  );
}
