import { hash } from 'node:crypto';
import type { Permit } from '../../gate/index.ts';
import type { Carried } from './carried.ts';

/** Who may share an answer, by the policy. */
export type Share = 'caller' | 'rule';

/**
 * Fields that say which call it is, by which way it came, or how long its client waits, and not what is asked. Everything else that the
 * service gets counts: a field that nobody here knows may change the answer.
 */
const ofOneCall: ReadonlySet<string> = new Set([
  'content-length',
  'date',
  'grpc-previous-rpc-attempts',
  'grpc-timeout',
  'grpc-trace-bin',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-correlation-id',
  'x-request-id',
]);

export interface Given {
  readonly share: Share;
  readonly body: Buffer | null;
}

/** SHA-256 over all that makes calls identical; parts can't run into one another. */
export function sharingKey({ exchange, fields }: Carried, permit: Permit, { share, body }: Given): Buffer {
  const { operation, callerId, rule, upstreamPath, epoch } = permit.fields;
  const query = exchange.target.indexOf('?');
  const what = [operation.service, operation.name, operation.grpc === true, operation.model, operation.version];
  const request = [exchange.method, upstreamPath, query === -1 ? null : exchange.target.slice(query)];
  const caller = callerId ?? `@${exchange.address}`;
  const who = share === 'rule' ? ['rule', rule.name] : ['caller', caller];
  const host = exchange.authority ?? fields.host ?? '';
  const text = JSON.stringify([epoch, what, request, who, host, comparedFields(fields.sent)]);
  return hash('sha256', `${text}\n${body === null ? '' : hash('sha256', body, 'base64')}`, 'buffer');
}

/** Names in lower case and in order, so that their order on the wire doesn't matter; the values of one name in theirs. */
function comparedFields(sent: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < sent.length; at += 2) {
    const name = (sent[at] as string).toLowerCase();
    if (!ofOneCall.has(name)) pairs.push([name, sent[at + 1] as string]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
