import { request } from 'node:http';
import type { Place } from './place.ts';
import { call, directive, type Section, test } from './print.ts';

/** HAProxy's own metrics for Prometheus: a service that is compiled in (2.4 and later; Debian's has it). */
export const exporterService = 'prometheus-exporter';
/** Servers that nobody has filled are left out. */
const path = '/metrics?scope=global&scope=frontend&scope=backend&scope=server&no-maint';
/** An answer that takes longer, or is larger, is none. */
const answerMsMax = 2000;
const answerBytesMax = 8_000_000;

/** A frontend of its own, on a socket that only we may open; nobody's calls come in by it, and it writes no line. */
export function exporterSection({ metricsSocket }: Place): Section {
  return {
    head: ['frontend', 'headgate.metrics'],
    lines: [
      directive(['bind', `unix@${metricsSocket}`, 'mode', '600']),
      directive(['no', 'log']),
      directive(['http-request', 'use-service', exporterService], test(call('path'), 'str', '/metrics')),
      directive(['http-request', 'return', 'status', 404]),
    ],
    notes: ["HAProxy's own metrics, for control."],
  };
}

/** What the exporter answers: Prometheus text format 0.0.4. Rejects where it doesn't, in time and in bounds. */
export function exportedMetrics(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, agent: false, signal: AbortSignal.timeout(answerMsMax) });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      if (incoming.statusCode !== 200) {
        outgoing.destroy(new Error(`the exporter answers ${incoming.statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) outgoing.destroy(new Error('the exporter answers more than is taken'));
        else chunks.push(chunk);
      });
      incoming.once('error', reject);
      incoming.once('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    outgoing.end();
  });
}
