import assert from 'node:assert/strict';
import type { AuditRecord } from '../../../src/audit/index.ts';
import { RawGrpc } from '../../support/grpc-client.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../../support/grpc-upstream.ts';
import { reasonTold } from '../../support/rpc-status.ts';
import { type Gateway, startGateway } from '../harness/gateway.ts';
import type { CallerSpec, CredentialForm, TestIssuer } from '../harness/issuer.ts';
import type { Bindings } from '../harness/texts.ts';

/** A gRPC call as it is generated. */
export interface CallShape {
  readonly caller: CallerSpec;
  readonly form: CredentialForm;
  readonly path: string;
  /** Written out only when it is sent: tensors are large. */
  readonly body: () => Buffer;
  readonly pieces: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** An engine, and the replica that it alone has. */
export interface Side {
  readonly gateway: Gateway;
  readonly upstream: GrpcUpstream;
}

export interface SidesOptions {
  readonly issuer: TestIssuer;
  /** The first of many. */
  readonly policy: string;
  /** Beside the issuer and the replica's port. */
  readonly bindings: Partial<Bindings>;
}

/** Both engines, with the same keys. */
export async function openSides(opened: AsyncDisposableStack, options: SidesOptions): Promise<readonly Side[]> {
  const first = await openSide(opened, 'embedded', options, {});
  return [first, await openSide(opened, 'haproxy', options, { keysOf: first.gateway.folder })];
}

async function openSide(
  opened: AsyncDisposableStack,
  name: 'embedded' | 'haproxy',
  { issuer, policy, bindings: more }: SidesOptions,
  keys: { readonly keysOf?: string },
): Promise<Side> {
  const upstream = opened.adopt(await startGrpcUpstream(), (it) => it.close());
  const places = { issuers: [issuer.url], upstreamPorts: [1], grpcPorts: [upstream.port] };
  const gateway = await startGateway(name, policy, { environment: 'prod', ...places, ...more }, keys);
  return { gateway: opened.adopt(gateway, (it) => it.stop()), upstream };
}

/** What a run has asked so far. */
export interface Counts {
  pairs: number;
  permits: number;
  readonly refusals: Set<string>;
}

export const countsOf = (): Counts => ({ pairs: 0, permits: 0, refusals: new Set() });

export interface Asking {
  readonly sides: readonly Side[];
  readonly issuer: TestIssuer;
  readonly counts: Counts;
}

/** Puts a policy and then the calls to both sides, and fails on the first call that is answered differently. */
export async function askBoth(
  { sides, issuer, counts }: Asking,
  policy: string,
  list: readonly CallShape[],
): Promise<void> {
  await Promise.all(sides.map(({ gateway }) => gateway.swap(policy)));
  const [expected = [], actual = []] = await Promise.all(sides.map((side) => ask(side, issuer, list)));
  for (const [at, { form, path, body }] of list.entries()) {
    const said = `${form} ${path} ${body().subarray(0, 80).toString('hex')} under\n${policy}`;
    assert.deepEqual(actual[at], expected[at], said);
    counts.pairs += 1;
    if (expected[at]?.core.outcome === 'allow') counts.permits += 1;
    else counts.refusals.add(expected[at]?.core.reason ?? '');
  }
}

/** Everything of one call that has to be equal on every engine. */
interface Outcome {
  readonly answer: readonly unknown[];
  readonly ran: readonly unknown[];
  readonly core: AuditRecord['core'];
}

/** One after another, so that limits count alike. */
async function ask({ gateway, upstream }: Side, issuer: TestIssuer, list: readonly CallShape[]): Promise<Outcome[]> {
  // A new connection: a policy may have brought a new process.
  using client = new RawGrpc(`http://127.0.0.1:${gateway.port}`);
  const made: { readonly id: string; readonly answer: readonly unknown[]; readonly ran: readonly unknown[] }[] = [];
  for (const { caller, form, path, body: write, pieces, headers } of list) {
    const body = write();
    const [, authorization] = issuer.credential(caller, form);
    const before = upstream.ran.length;
    const size = Math.max(1, Math.ceil(body.length / pieces));
    const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, at) =>
      body.subarray(at * size, (at + 1) * size),
    );
    const sent = { ...headers, ...(authorization !== undefined && { authorization }) };
    const end = await client.call(path, { chunks, headers: sent });
    const id = String(end.headers['x-headgate-request-id']);
    const message = String(end.headers['grpc-message'] ?? '').replace(id, '{id}');
    const told = message === '' ? '' : reasonTold(end);
    const answer = [end.status, end.grpcStatus, message, told, end.headers['content-type'], end.headers['retry-after']];
    made.push({
      id,
      answer,
      ran: upstream.ran
        .slice(before)
        .map((each) => [each.models, each.message.length, each.headers['x-headgate-subject']]),
    });
  }
  const records = await gateway.records(made.map(({ id }) => id));
  return made.map(({ answer, ran }, at) => {
    const record = records[at];
    assert.ok(record !== undefined);
    return { answer, ran, core: record.core };
  });
}
