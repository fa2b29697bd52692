import type { AuditRecord } from '../../../src/audit/index.ts';
import { type Answer, field } from '../harness/client.ts';
import type { Seen } from '../harness/upstream.ts';

/** Everything of one call that has to be equal on every engine. */
export interface Outcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly upstream: object | null;
  readonly core: AuditRecord['core'];
}

const comparedHeaders = ['content-type', 'www-authenticate', 'retry-after', 'allow', 'cache-control'];

export function outcomeOf(answer: Answer, seen: Seen | undefined, record: AuditRecord): Outcome {
  const id = field(answer.headers, 'x-headgate-request-id') ?? '';
  return {
    status: answer.status,
    headers: Object.fromEntries(comparedHeaders.map((name) => [name, field(answer.headers, name)])),
    body: answer.body.replaceAll(id, '{id}'),
    upstream: seen === undefined ? null : upstreamView(seen, id),
    core: record.core,
  };
}

/** What the replica saw, less what differs by nature: ids, the time in the assertion, how the connection is kept. */
function upstreamView(seen: Seen, id: string): object {
  const fields: string[] = [];
  for (let index = 0; index < seen.headers.length; index += 2) {
    const [name = '', value = ''] = seen.headers.slice(index, index + 2);
    if (name === 'connection' || name === 'keep-alive') continue;
    fields.push(`${name}: ${name === 'x-headgate-assertion' ? assertionView(value) : value.replaceAll(id, '{id}')}`);
  }
  return { method: seen.method, target: seen.target, body: seen.body, fields: fields.sort() };
}

/** Claims of the assertion that don't depend on when, and by which life of a gate, it was signed. */
function assertionView(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const volatile = new Set(['iat', 'nbf', 'exp', 'jti']);
  return JSON.stringify(claims, (name, value: unknown) => (volatile.has(name) ? undefined : value));
}
