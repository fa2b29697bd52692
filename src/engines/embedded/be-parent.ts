import { isOfShare, isSampledFlag, spanIdsOf } from '../../telemetry/index.ts';
import { type Fields, spanOf, traceIdOf } from './fields.ts';

/**
 * Where a span will be made of the call, the service gets it as its parent. Of all other calls `traceparent` stays as it came. What
 * is recorded is what came: the span's parent.
 */
export function beParent(fields: Fields, requestId: string, samplePpm: number): void {
  const { traceparent, sent } = fields;
  if (traceparent === undefined) {
    if (!isOfShare(requestId, samplePpm)) return;
    const { traceId, spanId } = spanIdsOf(requestId);
    sent.push('traceparent', `00-${traceId}-${spanId}-01`);
    return;
  }
  const traceId = traceIdOf(traceparent);
  const flags = traceId === null ? '' : spanOf(traceparent).slice(-2);
  if (!isSampledFlag(flags)) return;
  const at = valueAt(sent);
  if (at !== undefined) sent[at] = `00-${traceId}-${spanIdsOf(requestId).spanId}-${flags}`;
}

/** Where the value stands, if there is one field only: of two nobody knows which one counts. */
function valueAt(sent: readonly string[]): number | undefined {
  let found: number | undefined;
  for (let at = 0; at < sent.length; at += 2) {
    if (sent[at]?.toLowerCase() !== 'traceparent') continue;
    if (found !== undefined) return undefined;
    found = at + 1;
  }
  return found;
}
