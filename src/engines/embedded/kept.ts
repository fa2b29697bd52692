import type { StaticCore } from '../../audit/index.ts';
import { spoolCore } from '../../audit/index.ts';
import type { GateAnswer, GateRequest } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { keptDecisionsMax } from '../../std/limits.ts';
import { type RateCounter, rateCounter } from '../../traffic/index.ts';

/** An answer of the gate, with everything that can be made once for all calls that it answers. */
export interface Kept {
  readonly answer: GateAnswer;
  /** Static part of the audit line where the answer stands. */
  readonly core: string;
  /** The same where a limit, or the service, fails: made when it is needed. */
  readonly staticCore: StaticCore;
  readonly counters: readonly RateCounter[];
  readonly subjectId: string | undefined;
}

/** Decisions kept in front of the gate. INVARIANT: bounded, and never past `keepUntilMs` or another epoch. */
export class KeptDecisions {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  find(key: string, nowMs: number): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (endOf(kept.answer) > nowMs) return kept;
    this.#kept.delete(key);
    return undefined;
  }

  keep(key: string, kept: Kept, nowMs: number): void {
    if (endOf(kept.answer) <= nowMs) return;
    if (this.#kept.size >= keptDecisionsMax) this.#dropOldest();
    this.#kept.set(key, kept);
  }

  clear(): void {
    this.#kept.clear();
  }

  revoke(ids: ReadonlySet<string>): void {
    for (const [key, kept] of this.#kept) {
      if (kept.subjectId !== undefined && ids.has(kept.subjectId)) this.#kept.delete(key);
    }
  }

  #dropOldest(): void {
    for (const key of this.#kept.keys()) {
      this.#kept.delete(key);
      return;
    }
  }
}

function endOf(answer: GateAnswer): number {
  return answer.kind === 'permit' ? answer.fields.keepUntilMs : answer.keepUntilMs;
}

/** Works out once what each call under this answer needs. */
export function keptOf(plan: Plan, request: GateRequest, answer: GateAnswer): Kept {
  const staticCore = coreOf(plan, request, answer);
  const identity = answer.kind === 'permit' ? answer.fields.identity : answer.identity;
  return {
    answer,
    staticCore,
    core: spoolCore(staticCore),
    counters: answer.kind === 'permit' ? countersOf(answer, request.address) : [],
    subjectId: identity?.id,
  };
}

function countersOf(permit: Extract<GateAnswer, { kind: 'permit' }>, address: string): RateCounter[] {
  const { limits, rule, identity } = permit.fields;
  const who = identity?.id ?? address;
  return limits.map((limit, position) => rateCounter(limit, { rule: rule.name, position, who }));
}

function coreOf(plan: Plan, request: GateRequest, answer: GateAnswer): StaticCore {
  const { operation, identity, rule } = answer.kind === 'permit' ? answer.fields : answer;
  const caller = identity && {
    identity: identity.provider,
    issuer: identity.issuer,
    subject: identity.subject,
    id: identity.id,
    client: identity.client ?? null,
  };
  return {
    environment: plan.environment,
    listener: request.listener,
    method: request.method,
    path: shownPath(request.target),
    service: operation?.service ?? null,
    operation: operation?.name ?? null,
    action: operation?.action ?? null,
    resource: operation === undefined ? null : [operation.service, ...operation.resource].join('/'),
    model: operation?.model ?? null,
    version: operation?.version ?? null,
    caller: caller ?? null,
    outcome: answer.kind === 'permit' ? 'allow' : 'deny',
    reason: answer.kind === 'permit' ? 'rule-allows' : answer.reason,
    rule: rule?.name ?? null,
    ruleAt: rule === undefined ? null : `${rule.file}:${rule.line}`,
    epoch: plan.epoch,
  };
}

/** Without the query; 512 characters at most, then `…`. */
function shownPath(target: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path.length <= 512 ? path : `${path.slice(0, 512)}…`;
}
