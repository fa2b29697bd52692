import { type AuditEvent, type OpenedEvent, readAudit } from '../audit/index.ts';
import { counted } from './counted.ts';
import { UsageError } from './usage-error.ts';

/** The call with this request id; where its end is not recorded, what was told of it as open. Throws UsageError, saying where it looked and how far back the audit goes. */
export async function findCall(directory: string, requestId: string): Promise<AuditEvent | OpenedEvent> {
  let calls = 0;
  let [firstMs, lastMs] = [0, 0];
  let opened: OpenedEvent | undefined;
  for await (const event of readAudit(directory)) {
    if (event.kind === 'call' && event.requestId === requestId) return event;
    if (event.kind === 'opened' && event.requestId === requestId) opened = event;
    calls += 1;
    if (calls === 1) firstMs = event.timeMs;
    lastMs = event.timeMs;
  }
  if (opened !== undefined) return opened;
  const held =
    calls === 0
      ? 'it holds no calls yet'
      : `it holds ${counted(calls, 'event')}, from ${momentText(firstMs)} to ${momentText(lastMs)}`;
  const hint = `the id stands in x-headgate-request-id and in the problem's requestId; --directory or -e names another audit`;
  throw new UsageError(`no call ${requestId.slice(0, 80)} in ${directory}: ${held}`, hint);
}

/** `2026-11-21 10:02:11.123 UTC` */
export function momentText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}
