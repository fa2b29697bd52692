import { hash } from 'node:crypto';
import { wholePpm } from '../std/share.ts';

/** Ids of a call's own span, W3C Trace Context: lower-case hexadecimal, 32 and 16 digits. */
export interface SpanIds {
  /** Of a trace that begins here. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Made from the request's id, so that the engine that carries a call and the exporter that tells of it agree without a word. */
export function spanIdsOf(requestId: string): SpanIds {
  const digits = hash('sha256', requestId, 'hex');
  return { traceId: digits.slice(0, 32), spanId: digits.slice(32, 48) };
}

/** Id of a span within the call's. */
export function childSpanId(requestId: string, child: string): string {
  return spanIdsOf(`${requestId}/${child}`).spanId;
}

/** Whether the flags of a `traceparent` (two digits) ask for spans. */
export function isSampledFlag(flags: string): boolean {
  return (Number.parseInt(flags.slice(-1), 16) & 1) === 1;
}

/** Whether a call that came without a trace is one of the share. Equal wherever it is asked. */
export function isOfShare(requestId: string, samplePpm: number): boolean {
  let sum = 0x811c9dc5;
  for (let at = 0; at < requestId.length; at += 1) sum = Math.imul(sum ^ requestId.charCodeAt(at), 0x01000193);
  return mixed(sum) * wholePpm < samplePpm * 2 ** 32;
}

/** FNV-1a alone spreads ids that differ in their last digit badly; this is MurmurHash3's last step. */
function mixed(sum: number): number {
  let bits = sum;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
