import {
  type Denial,
  type GateAnswer,
  type GateRequest,
  grpcAnswer,
  type Permit,
  problemAnswer,
  statusDetailsHeader,
} from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { pathOf } from '../../protocols/index.ts';
import { keptPathBytesMax } from '../../std/limits.ts';
import type { SpopAction, SpopData } from '../../wire/index.ts';
import { staticCore } from '../static-core.ts';
import type { CoreBook } from './core-book.ts';
import type { CounterNumbers } from './counter-numbers.ts';
import { serviceNumbers } from './frontend.ts';
import type { Ledger } from './ledger.ts';
import { answerNames } from './names.ts';
import { permitRecord } from './record.ts';

/** What is written down for one HAProxy process. Without a ledger nothing is kept: the process is of an earlier life. */
export interface Notebook {
  readonly book: CoreBook;
  readonly ledger: Ledger | undefined;
  /** What a permit is kept under; empty: it is not. */
  readonly key: string;
  /** Numbers of the counters of its limits, in their order. */
  readonly counters: readonly number[];
  /** Whether they admit the call, where they were looked at elsewhere. */
  readonly isAdmitted?: boolean | undefined;
  /** How long the gate took, to stand in the call's line; left out: nobody asks. */
  readonly gateMs?: number;
  /** How permits are handed over; left out: none is. */
  readonly handing?: Handing | undefined;
  /** Gives a number to a permit whose calls are to be known while they are open; left out: they needn't be. */
  readonly numberOpen?: ((permit: Permit, core: number) => number) | undefined;
}

/** Of one question. */
export interface Handing {
  seal(permit: Permit): string;
  /** The call that is asked about goes the assisted way, whatever the permit is for. */
  readonly isNow: boolean;
  /** Those that a kept permit answers do. */
  readonly isKept: boolean;
}

/** The variables by which HAProxy learns an answer. Throws the disk's error where the audit can't be written down. */
export function answerActions(
  plan: Plan,
  request: GateRequest,
  answer: GateAnswer,
  { book, ledger, key, handing, counters, isAdmitted, gateMs, numberOpen }: Notebook,
  nowMs: number,
): SpopAction[] {
  const number = book.numberOf(staticCore(plan, request, answer));
  // With how long the gate took it is a text, which the log prints as it is: no field more for any call.
  const core = set(
    'coreNumber',
    gateMs === undefined ? integer(number) : text(`${number}.${Math.round(gateMs * 1000)}`),
  );
  if (answer.kind === 'denial') return [core, ...refusalActions(answer, request)];
  const endSeconds = Math.floor(answer.fields.keepUntilMs / 1000);
  const pass = handing?.isNow || handing?.isKept ? handing.seal(answer) : undefined;
  const open = numberOpen?.(answer, number);
  const recorded = { plan, request, permit: answer, counters, isAdmitted, core: number, endSeconds, open };
  const record = recordOf({ ...recorded, pass: handing?.isKept ? pass : undefined });
  if (key !== '' && endSeconds * 1000 > nowMs && hasKeptPath(request.target)) {
    ledger?.keep({ key, record, endSeconds, subjectId: answer.fields.identity?.id }, nowMs);
  }
  const isSame = handing?.isNow === handing?.isKept;
  return [
    core,
    set('record', text(isSame ? record : recordOf({ ...recorded, pass: handing?.isNow ? pass : undefined }))),
  ];
}

/** HAProxy doesn't look at how long a path is: what it finds is as long as it may be. */
function hasKeptPath(target: string): boolean {
  const query = target.indexOf('?');
  return (query < 0 ? target.length : query) <= keptPathBytesMax;
}

/** A refusal as HAProxy gives it to the caller. */
export function refusalActions(
  { reason, allow }: Pick<Denial, 'reason' | 'allow'>,
  { id, message }: Pick<GateRequest, 'id' | 'message'>,
): SpopAction[] {
  if (message !== undefined) return grpcRefusalActions(reason, id);
  const { status, headers, body } = problemAnswer(reason, id, allow === undefined ? {} : { allow });
  const named = new Map(headers);
  const fields = [
    ['challenge', named.get('www-authenticate')],
    ['retryAfter', named.get('retry-after')],
    ['allow', named.get('allow')],
  ] as const;
  return [
    set('status', integer(status)),
    set('body', text(body.trimEnd())),
    ...fields.flatMap(([name, value]) => (value === undefined ? [] : [set(name, text(value))])),
  ];
}

function grpcRefusalActions(reason: Denial['reason'], id: string): SpopAction[] {
  const { status, headers } = grpcAnswer(reason, id);
  const named = new Map(headers);
  const retryAfter = named.get('retry-after');
  return [
    // What has no gRPC status is for others; this says that there is an answer.
    set('status', integer(status)),
    set('grpcStatus', text(named.get('grpc-status') ?? '')),
    set('grpcMessage', text(named.get('grpc-message') ?? '')),
    set('grpcDetails', text(named.get(statusDetailsHeader) ?? '')),
    ...(retryAfter === undefined ? [] : [set('retryAfter', text(retryAfter))]),
  ];
}

interface Recorded {
  readonly plan: Plan;
  readonly request: GateRequest;
  readonly permit: Permit;
  readonly counters: readonly number[];
  readonly isAdmitted: boolean | undefined;
  readonly core: number;
  readonly endSeconds: number;
  readonly pass: string | undefined;
  readonly open: number | undefined;
}

/** Numbers of the counters of an answer's limits, in their order. */
export function countersOf(answer: GateAnswer, { address }: GateRequest, numbers: CounterNumbers): number[] {
  if (answer.kind === 'denial') return [];
  const { identity, limits, rule } = answer.fields;
  const who = identity?.id ?? address;
  return limits.map(({ per }, position) => numbers.numberOf([rule.name, position, per === 'rule' ? '' : who]));
}

function recordOf({ plan, request, permit, core, endSeconds, ...counted }: Recorded): string {
  const { operation, upstreamPath } = permit.fields;
  const service = serviceNumbers(plan).get(operation.service) ?? 0;
  const path = upstreamPath === pathOf(request.target) ? undefined : upstreamPath;
  return permitRecord({ permit, endSeconds, core, service, path, ...counted });
}

function set(name: keyof typeof answerNames, value: SpopData): SpopAction {
  return { kind: 'set-var', scope: 'transaction', name: answerNames[name], value };
}

const integer = (value: number): SpopData => ({ kind: 'uint64', value: BigInt(value) });
const text = (value: string): SpopData => ({ kind: 'string', value });
