import type { HeadgateStatus } from '../control/index.ts';
import { printHostPort } from '../std/host-port.ts';
import { counted } from './counted.ts';
import { replicaRows } from './replica-rows.ts';
import { span } from './span.ts';
import { streamRows } from './stream-rows.ts';
import { versionList } from './version-words.ts';

/** A gateway's status as a person reads it. */
export function statusText(status: HeadgateStatus, nowMs: number): string {
  const { version, environment, engine, epoch, ready, reason, audit, running } = status;
  const rows: [string, string][] = [
    ['state', ready ? 'ready' : `NOT ready: ${reason ?? 'unknown'}`],
    ['since', `${status.startedAt} (${span(nowMs - Date.parse(status.startedAt))})`],
    ['policy', `${status.policyFile} with ${status.environmentFile}, epoch ${epoch}`],
    ...reloadRows(status),
    ...Object.entries(status.listeners).map(([name, at]): [string, string] => [`listener ${name}`, printHostPort(at)]),
    ...status.certificates.map(({ listener, ends, fault }): [string, string] => [
      `certificate ${listener}`,
      `good until ${ends}${fault === undefined ? '' : `, NEW ONE NOT TAKEN UP: ${fault}`}`,
    ]),
    ...Object.entries(status.versions).map(([at, list]): [string, string] => [`versions ${at}`, versionList(list)]),
    ...replicaRows(status, nowMs),
    ...streamRows(status, nowMs),
    ...running.issuers.map((issuer): [string, string] => [`issuer ${issuer.identity}`, issuerText(issuer)]),
    ...keyRows(status),
    ['audit', auditText(audit)],
    ['kept', counted(running.keptDecisions, 'decision')],
    ...running.processes.map(({ role, pid, epoch: at }): [string, string] => [
      role,
      `pid ${pid}${at === epoch ? '' : `, STILL ON EPOCH ${at}`}`,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `headgate ${version}: environment ${environment} on the ${engine} engine\n${lines.join('\n')}\n`;
}

function reloadRows({ reload }: HeadgateStatus): [string, string][] {
  if (reload === undefined) return [];
  const found = reload.diagnostics.map(({ code, message, span: at }): [string, string] => {
    return ['', `${code} ${message}${at === undefined ? '' : ` (${at.file}:${at.line})`}`];
  });
  return [['last change', `${reload.at}: ${reload.message}`], ...found];
}

function keyRows({ keys }: HeadgateStatus): [string, string][] {
  if (keys.state === 'none') return [];
  return [['keys', keys.state === 'ok' ? 'the store can be read' : `FAILING: ${keys.reason ?? 'unknown'}`]];
}

function issuerText({ issuer, state, keys, error }: HeadgateStatus['running']['issuers'][number]): string {
  return `${issuer}: ${state}, ${counted(keys, 'key')}${error === undefined ? '' : `, ${error}`}`;
}

function auditText({
  directory,
  record,
  state,
  reason,
  position,
  unreadable,
  behindBytes,
}: HeadgateStatus['audit']): string {
  const condition = state === 'ok' ? 'recording' : `FAILING: ${reason ?? 'unknown'}`;
  const odd = unreadable === 0 ? '' : `, ${counted(unreadable, 'unreadable line')}`;
  const behind = behindBytes === 0 ? '' : `, ${behindBytes} bytes to chain`;
  return `${directory} (${record}): ${condition}, ${counted(position, 'event')}${odd}${behind}`;
}
