import { checksum, sumLength, traceText } from './spool-line.ts';
import type { OpenedCall, OpenedCore, StaticCore } from './types.ts';

/** What differs from one opened call to the next; no field may hold a tab or a newline, the engine makes them all. */
export interface OpenedSpoolCall extends Omit<OpenedCall, 'engine' | 'core'> {
  readonly traceId: string | null;
  readonly span?: string;
}

/** Begins each such line. */
export const openedMark = 'o1\t';

/**
 * A line of the embedded engine's spool that says that a call is open: `o1`, a tab, the checksum of the static core (`spoolCore`), a
 * tab, the event. It takes no number of the worker's sequence. Written once, some time after the call was let through.
 */
export function openedLine(call: OpenedSpoolCall, core: string): string {
  const who = `"requestId":"${call.requestId}","timeMs":${call.timeMs},"worker":"${call.worker}"`;
  const from = `"engine":"embedded","address":"${call.address}"`;
  const head = `{"kind":"opened",${who},${from},"core":{"traceId":${traceText(call)},`;
  return `${openedMark}${core.slice(0, sumLength)}\t${head}${core.slice(sumLength)}`;
}

const name = '"[\\w.:-]{1,64}"';

/** Everything before the static core. Captures the checksum. */
const form = new RegExp(
  `^o1\\t([0-9a-f]{8})\\t\\{"kind":"opened","requestId":${name},"timeMs":[1-9]\\d{0,14},"worker":${name},"engine":"embedded",` +
    `"address":"[\\w.:%]{0,64}","core":\\{"traceId":(?:null|"[0-9a-f]{32}"(?:,"span":"[0-9a-f]{16}-[0-9a-f]{2}")?),`,
);
const eventStart = 'o1\t01234567\t'.length;

/** Reads such a line. */
export function parseOpenedLine(line: string): { readonly opened: OpenedCall } | { readonly unreadable: string } {
  const match = form.exec(line);
  if (match === null) return { unreadable: 'not a line of the form o1' };
  const [head, sum] = match;
  const text = `{${line.slice(head.length, -1)}`;
  if (!line.endsWith('}') || checksum(text) !== sum) return { unreadable: 'the core does not match its checksum' };
  try {
    const { kind, ...opened } = JSON.parse(line.slice(eventStart)) as OpenedCall & { kind: 'opened' };
    return { opened };
  } catch {
    return { unreadable: 'the core is not JSON' };
  }
}

/** The core of an opened call whose static part is known. */
export function openedCore(core: StaticCore, trace: Pick<OpenedCore, 'traceId' | 'span'>): OpenedCore {
  return { ...trace, ...core };
}
