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
import { staticCore } from '../static-core.ts';

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
    const { identity, keepUntilMs, epoch } = isPermit ? answer.fields : answer;
    this.untilMs = keepUntilMs;
    this.subjectId = identity?.id;
    this.#isGrpc = request.message !== undefined;
    this.#static = staticCore({ environment, epoch }, request, answer);
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
