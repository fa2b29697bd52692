import type { ChainedCalls } from '../audit/types.ts';
import { isOfShare, isSampledFlag } from './trace.ts';

const idAt = '{"kind":"call","requestId":"'.length;
const quote = 34;
const traceMark = Buffer.from('"core":{"status":');
const traceForm =
  /^"core":\{"status":\d+,"traceId":(?:(null)|"[0-9a-f]{32}"(?:,"span":"[0-9a-f]{16}-([0-9a-f]{2})")?),/;
/** Of the core, all that `traceForm` looks at. */
const traceBytesMax = 128;

/** Whether spans are made of this call of a block. Reads a few bytes of its line: most calls are none. */
export function isSampled(calls: ChainedCalls, call: number, samplePpm: number): boolean {
  const line = calls.line(call);
  const at = line.indexOf(traceMark, idAt);
  const [, none, flags] = traceForm.exec(line.toString('latin1', at, at + traceBytesMax)) ?? [];
  if (flags !== undefined) return isSampledFlag(flags);
  return none !== undefined && isOfShare(line.toString('latin1', idAt, line.indexOf(quote, idAt)), samplePpm);
}
