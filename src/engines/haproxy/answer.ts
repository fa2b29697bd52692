import {
  type Denial,
  type GateAnswer,
  type GateRequest,
  grpcAnswer,
  type Permit,
  problemAnswer,
} from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { pathOf } from '../../protocols/index.ts';
import type { SpopAction, SpopData } from '../../wire/index.ts';
import { staticCore } from '../static-core.ts';
import type { CoreBook } from './core-book.ts';
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
}

/** The variables by which HAProxy learns an answer. Throws the disk's error where the audit can't be written down. */
export function answerActions(
  plan: Plan,
  request: GateRequest,
  answer: GateAnswer,
  { book, ledger, key }: Notebook,
  nowMs: number,
): SpopAction[] {
  const number = book.numberOf(staticCore(plan, request, answer));
  const core = set('coreNumber', integer(number));
  if (answer.kind === 'denial') return [core, ...refusalActions(answer, request)];
  const endSeconds = Math.floor(answer.fields.keepUntilMs / 1000);
  const record = recordOf({ plan, request, permit: answer, ledger, core: number, endSeconds });
  if (key !== '' && endSeconds * 1000 > nowMs) {
    ledger?.keep({ key, record, endSeconds, subjectId: answer.fields.identity?.id }, nowMs);
  }
  return [core, set('record', text(record))];
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
    ...(retryAfter === undefined ? [] : [set('retryAfter', text(retryAfter))]),
  ];
}

interface Recorded {
  readonly plan: Plan;
  readonly request: GateRequest;
  readonly permit: Permit;
  readonly ledger: Ledger | undefined;
  readonly core: number;
  readonly endSeconds: number;
}

function recordOf({ plan, request, permit, ledger, core, endSeconds }: Recorded): string {
  const { operation, identity, limits, rule, upstreamPath } = permit.fields;
  const who = identity?.id ?? request.address;
  const counters = limits.map(
    ({ per }, position) => ledger?.counterNumber([rule.name, position, per === 'rule' ? '' : who]) ?? 0,
  );
  const service = serviceNumbers(plan).get(operation.service) ?? 0;
  const path = upstreamPath === pathOf(request.target) ? undefined : upstreamPath;
  return permitRecord({ permit, endSeconds, core, service, path, counters });
}

function set(name: keyof typeof answerNames, value: SpopData): SpopAction {
  return { kind: 'set-var', scope: 'transaction', name: answerNames[name], value };
}

const integer = (value: number): SpopData => ({ kind: 'uint64', value: BigInt(value) });
const text = (value: string): SpopData => ({ kind: 'string', value });
