import type { Readable } from 'node:stream';
import { spoolCore } from '../../audit/index.ts';
import {
  type DenialReason,
  type Gate,
  type GateRequest,
  type ProblemOptions,
  problemAnswer,
} from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import type { Clock } from '../../std/clock.ts';
import type { RateLimiter } from '../../traffic/index.ts';
import { readBody } from './body.ts';
import { type Kept, type KeptDecisions, keptOf } from './kept.ts';
import { type Outgoing, type ProxyResult, proxy } from './proxy.ts';
import { type Incoming, keptKey, neutral } from './request.ts';
import type { Spool } from './spool.ts';
import type { Upstreams } from './upstreams.ts';

/** Everything of a worker that a call needs. `plan`, `gate` and `reads` are replaced by a swap. */
export interface Scene {
  readonly worker: string;
  readonly clock: Clock;
  readonly kept: KeptDecisions;
  readonly limiter: RateLimiter;
  readonly spool: Spool;
  readonly upstreams: Upstreams;
  plan: Plan;
  gate: Gate;
  /** Lower-case names of the fields that any condition reads. */
  reads: readonly string[];
  open: boolean;
  calls: number;
}

/** One call, top to bottom: decide (kept or asked), limit, proxy, record, answer. */
export async function handle(scene: Scene, listener: string, incoming: Incoming, outgoing: Outgoing): Promise<void> {
  const startedAt = performance.now();
  scene.calls += 1;
  const request = neutral(incoming, listener, `${scene.worker}-${scene.calls.toString(36)}`);
  const kept = await decide(scene, request);
  const turn: Turn = { scene, request, kept, outgoing, startedAt };

  const { answer } = kept;
  if (!scene.open) return refuse(turn, 'audit-unavailable');
  if (answer.kind === 'denial') return refuse(turn, answer.reason, answer.allow && { allow: answer.allow });
  const { counters } = kept;
  if (counters.length > 0 && !scene.limiter.take(counters, scene.clock.now()))
    return refuse(turn, 'limit-exceeded', retry(answer.fields.limits));

  const body = await readBody(incoming);
  if (body === 'too-large') return refuse(turn, 'body-too-large');
  if (body === 'left')
    return finish(turn, {
      status: 0,
      bytesOut: 0,
      firstByteAt: undefined,
      endpoint: undefined,
      failed: undefined,
      last: undefined,
    });
  const result = await proxy(scene.upstreams, {
    permit: answer,
    requestId: request.id,
    address: request.address,
    method: request.method,
    path: upstreamTarget(answer.fields.upstreamPath, request.target),
    headers: request.headers,
    body: body as Buffer | Readable | null,
    outgoing,
  });
  if (result.failed !== undefined && result.status === 0) return refuse(turn, result.failed, {}, result);
  finish(turn, result);
}

interface Turn {
  readonly scene: Scene;
  readonly request: GateRequest;
  readonly kept: Kept;
  readonly outgoing: Outgoing;
  readonly startedAt: number;
}

async function decide(scene: Scene, request: GateRequest): Promise<Kept> {
  const nowMs = scene.clock.now();
  const key = keptKey(request, scene.reads);
  const found = scene.kept.find(key, nowMs);
  if (found !== undefined) return found;
  const { gate, plan } = scene;
  const made = keptOf(plan, request, await gate.check(request));
  // A swap while the gate was asked: the answer is the older policy's, good for this call alone.
  if (scene.gate === gate) scene.kept.keep(key, made, nowMs);
  return made;
}

function retry(limits: readonly { readonly periodMs: number; readonly count: number }[]): ProblemOptions {
  const seconds = limits.map(({ periodMs, count }) => Math.ceil(periodMs / count / 1000));
  return { retryAfterSeconds: Math.max(1, ...seconds) };
}

function upstreamTarget(path: string, target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? path : path + target.slice(query);
}

function refuse(
  turn: Turn,
  reason: DenialReason,
  options: ProblemOptions | undefined = {},
  result?: ProxyResult,
): void {
  const { request, outgoing, kept } = turn;
  const problem = problemAnswer(reason, request.id, options);
  const decided = kept.answer.kind === 'denial' && kept.answer.reason === reason;
  const core = decided ? kept.core : spoolCore({ ...kept.staticCore, outcome: 'deny', reason });
  const { endpoint } = result ?? {};
  record(turn, { status: problem.status, bytesOut: problem.body.length, core, ...(endpoint && { endpoint }) }, () => {
    outgoing.writeHead(problem.status, ['x-headgate-request-id', request.id, ...problem.headers.flat()]);
    outgoing.end(problem.body);
  });
}

function finish(turn: Turn, result: ProxyResult): void {
  const { outgoing, kept } = turn;
  const { status, bytesOut, firstByteAt, endpoint } = result;
  const upstreamMs = firstByteAt === undefined ? {} : { upstreamMs: firstByteAt - turn.startedAt };
  record(turn, { status, bytesOut, core: kept.core, ...upstreamMs, ...(endpoint && { endpoint }) }, () => {
    if (result.failed !== undefined || status === 0) outgoing.destroy();
    else outgoing.end(result.last);
  });
}

interface Line {
  readonly status: number;
  readonly bytesOut: number;
  readonly core: string;
  readonly upstreamMs?: number;
  readonly endpoint?: string;
}

/** Writes the audit line, then lets the answer's last byte go. A line that can't be written ends the call unanswered. */
function record({ scene, request, outgoing, startedAt }: Turn, { core, ...line }: Line, then: () => void): void {
  const call = {
    requestId: request.id,
    timeMs: scene.clock.now(),
    worker: scene.worker,
    address: request.address,
    traceId: traceIdOf(request.headers),
    totalMs: performance.now() - startedAt,
    ...line,
  };
  scene.spool.add(call, core, (written) =>
    written || scene.plan.audit.record === 'best-effort' ? then() : outgoing.destroy(),
  );
}

/** W3C Trace Context: version 00, neither id all zeros. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

function traceIdOf(headers: readonly string[]): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === 11 && name.toLowerCase() === 'traceparent')
      return traceparent.exec(headers[index + 1] as string)?.[1] ?? null;
  }
  return null;
}
