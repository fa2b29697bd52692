import { type StaticCore, spoolCore } from '../../audit/index.ts';
import {
  type DenialReason,
  type GateAnswer,
  type GateRequest,
  grpcStatusOf,
  type Permit,
  upstreamHeaders,
} from '../../gate/index.ts';
import { type RateCounter, rateCounter } from '../../traffic/index.ts';

/** What a replica gets from Headgate beside what came in. */
export interface UpstreamFields {
  addFields(to: string[], requestId: string, address: string): void;
}

/** An answer of the gate, with all that can be made once for the calls that it answers. */
export class Answered implements UpstreamFields {
  readonly answer: GateAnswer;
  readonly untilMs: number;
  readonly subjectId: string | undefined;
  /** Static part of the audit line where the answer stands. */
  readonly core: string;
  readonly #static: StaticCore;
  readonly #isGrpc: boolean;
  readonly #refusals = new Map<DenialReason, string>();
  readonly #counters: readonly RateCounter[];
  /** Counters hang on the address, because nobody is known. */
  readonly #byAddress: boolean;
  /** Fields for the upstream: `undefined` where the request's id goes, null where the address goes. */
  readonly #fields: readonly (string | undefined | null)[];

  constructor(environment: string, request: GateRequest, answer: GateAnswer) {
    this.answer = answer;
    const isPermit = answer.kind === 'permit';
    const { identity, keepUntilMs } = isPermit ? answer.fields : answer;
    this.untilMs = keepUntilMs;
    this.subjectId = identity?.id;
    this.#isGrpc = request.message !== undefined;
    this.#static = staticCore(environment, request, answer);
    this.core = spoolCore(this.#static);
    this.#byAddress = isPermit && identity === undefined && answer.fields.limits.some(({ per }) => per === 'caller');
    this.#counters = isPermit && !this.#byAddress ? countersOf(answer, identity?.id ?? '') : [];
    this.#fields = isPermit ? fieldsOf(answer) : [];
  }

  /** Static part of the audit line where the call was permitted and then refused or failed. */
  coreOf(reason: DenialReason): string {
    if (this.answer.kind === 'denial' && this.answer.reason === reason) return this.core;
    let core = this.#refusals.get(reason);
    if (core === undefined) {
      const grpcStatus = this.#isGrpc ? grpcStatusOf(reason) : null;
      core = spoolCore({ ...this.#static, outcome: 'deny', reason, grpcStatus });
      this.#refusals.set(reason, core);
    }
    return core;
  }

  counters(address: string): readonly RateCounter[] {
    return this.#byAddress && this.answer.kind === 'permit' ? countersOf(this.answer, address) : this.#counters;
  }

  /** Adds what the upstream gets from Headgate. */
  addFields(to: string[], requestId: string, address: string): void {
    for (const field of this.#fields) to.push(field === undefined ? requestId : (field ?? address));
  }
}

/** Static part of a call that never had an answer of the gate. */
export function unaskedCore(
  environment: string,
  { listener, method, target }: Pick<GateRequest, 'listener' | 'method' | 'target'>,
  { reason, epoch, isGrpc }: { readonly reason: DenialReason; readonly epoch: string; readonly isGrpc?: boolean },
): string {
  const nothing = {
    ...{ service: null, operation: null, action: null, resource: null },
    ...{ model: null, version: null, versionName: null },
  };
  const decided = { caller: null, outcome: 'deny', reason, rule: null, ruleAt: null, epoch } as const;
  const grpcStatus = isGrpc === true ? grpcStatusOf(reason) : null;
  return spoolCore({ environment, listener, method, path: shownPath(target), ...nothing, ...decided, grpcStatus });
}

function countersOf(permit: Permit, who: string): RateCounter[] {
  const { limits, rule } = permit.fields;
  return limits.map((limit, position) => rateCounter(limit, { rule: rule.name, position, who }));
}

/** `upstreamHeaders` with marks for what differs from call to call; neither can be an id or an address. */
function fieldsOf(permit: Permit): (string | undefined | null)[] {
  const marks = new Map([
    ['\n1', undefined],
    ['\n2', null],
  ]);
  const fields = upstreamHeaders(permit, '\n1', '\n2').flat();
  return fields.map((field) => (marks.has(field) ? marks.get(field) : field));
}

function staticCore(environment: string, request: GateRequest, answer: GateAnswer): StaticCore {
  const isPermit = answer.kind === 'permit';
  const { operation, identity, rule, epoch } = isPermit ? answer.fields : answer;
  return {
    environment,
    listener: request.listener,
    method: request.method,
    path: shownPath(request.target),
    service: operation?.service ?? null,
    operation: operation?.name ?? null,
    action: operation?.action ?? null,
    resource: operation === undefined ? null : [operation.service, ...operation.resource].join('/'),
    model: operation?.model ?? null,
    version: operation?.version ?? null,
    versionName: operation?.versionName ?? null,
    caller: identity === undefined ? null : callerOf(identity),
    outcome: isPermit ? 'allow' : 'deny',
    reason: isPermit ? 'rule-allows' : answer.reason,
    rule: rule?.name ?? null,
    ruleAt: rule === undefined ? null : `${rule.file}:${rule.line}`,
    epoch,
    grpcStatus: isPermit || request.message === undefined ? null : grpcStatusOf(answer.reason),
  };
}

function callerOf(identity: NonNullable<Permit['fields']['identity']>): NonNullable<StaticCore['caller']> {
  const { provider, issuer, subject, id, client } = identity;
  return { identity: provider, issuer, subject, id, client: client ?? null };
}

/** Without the query; 512 characters at most, then `…`. */
function shownPath(target: string): string {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return path.length <= 512 ? path : `${path.slice(0, 512)}…`;
}
