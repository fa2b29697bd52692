import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { field, send } from '../harness/client.ts';
import { type Gateway, type PlanChange, startGateway } from '../harness/gateway.ts';
import { startTestIssuer, type TestIssuer } from '../harness/issuer.ts';
import { seenBy } from '../harness/run-call.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../harness/upstream.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { boundVersions, demanding, policyText, type RuleShape } from './policies.ts';
import type { RequestShape } from './requests.ts';

/** Two engines behind one issuer and one set of replicas, asked the same. */
export interface Pair {
  /** Lets both enforce these rules, sends each request to both, and fails on the first that is answered differently. */
  compare(rules: readonly RuleShape[], requests: readonly RequestShape[]): Promise<void>;
  /** How many calls had this operation, credential form and reason: `predict · expired · credential-expired`. */
  readonly cells: ReadonlyMap<string, number>;
  readonly counts: { pairs: number; permits: number; denials: number };
  stop(): Promise<void>;
}

export async function startPair(changes: { embedded?: PlanChange; haproxy?: PlanChange } = {}): Promise<Pair> {
  await using undo = new AsyncDisposableStack();
  const issuer = undo.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const upstreams = [undo.adopt(await startRecordingUpstream('a'), (it) => it.close())];
  const upstreamPorts = upstreams.map(({ port }) => port);
  const bindings = { environment: 'prod', issuers: [issuer.url], upstreamPorts, models: boundVersions };
  const first = policyText(demanding);
  const left = await startGateway('embedded', first, bindings, changed(changes.embedded));
  undo.defer(() => left.stop());
  const right = await startGateway('haproxy', first, bindings, { ...changed(changes.haproxy), keysOf: left.folder });
  undo.defer(() => right.stop());
  const gateways = [left, right];
  const agent = undo.adopt(new Agent({ keepAlive: true }), (it) => it.destroy());
  const stage = { issuer, upstreams, agent };
  const cells = new Map<string, number>();
  const counts = { pairs: 0, permits: 0, denials: 0 };
  const kept = undo.move();
  return {
    cells,
    counts,
    compare: async (rules, requests) => {
      const text = policyText(rules);
      await Promise.all(gateways.map((gateway) => gateway.swap(text)));
      const [expected = [], actual = []] = await Promise.all(gateways.map((gateway) => ask(stage, gateway, requests)));
      for (const [index, request] of requests.entries()) {
        count(request, expected[index]);
        assert.deepEqual(
          actual[index],
          expected[index],
          `${request.form} ${request.method} ${request.target} under\n${text}`,
        );
      }
    },
    stop: () => kept.disposeAsync(),
  };

  function count(request: RequestShape, outcome: Outcome | undefined): void {
    assert.ok(outcome !== undefined);
    const cell = `${outcome.core.operation} · ${request.form} · ${outcome.core.reason}`;
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
    counts.pairs += 1;
    if (outcome.core.outcome === 'allow') counts.permits += 1;
    else counts.denials += 1;
  }
}

function changed(change: PlanChange | undefined): { change?: PlanChange } {
  return change === undefined ? {} : { change };
}

interface Stage {
  readonly issuer: TestIssuer;
  readonly upstreams: readonly RecordingUpstream[];
  readonly agent: Agent;
}

/** The requests one after another, so that limits count alike. */
async function ask(stage: Stage, gateway: Gateway, requests: readonly RequestShape[]): Promise<Outcome[]> {
  const answers = [];
  for (const { caller, form, method, target, headers } of requests) {
    const body = method === 'POST' ? { body: '{"instances":[[1]]}' } : {};
    const credential = stage.issuer.credential(caller, form);
    answers.push(
      await send({
        port: gateway.port,
        method,
        target,
        headers: [...headers, ...credential],
        agent: stage.agent,
        ...body,
      }),
    );
  }
  const ids = answers.map((answer) => field(answer.headers, 'x-headgate-request-id') ?? '');
  const records = await gateway.records(ids);
  return answers.map((answer, index) => {
    const [id = '', record] = [ids[index], records[index]];
    assert.ok(record !== undefined);
    return outcomeOf(answer, seenBy(stage.upstreams, id), record);
  });
}
