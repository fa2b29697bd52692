import { type Denial, type GateAnswer, type GateRequest, type Permit, problemAnswer } from '../../gate/index.ts';
import type { Plan } from '../../plan/types.ts';
import { pathOf } from '../../protocols/index.ts';
import type { SpopAction, SpopData } from '../../wire/index.ts';
import type { CoreBook } from './core-book.ts';
import { serviceNumbers } from './frontend.ts';
import type { Ledger } from './ledger.ts';
import { answerNames } from './names.ts';
import { permitRecord } from './record.ts';
import { staticCore } from './static-core.ts';

/** What is written down for one HAProxy process. Without a ledger nothing is kept: the process is of an earlier life. */
export interface Notebook {
  readonly book: CoreBook;
  readonly ledger: Ledger | undefined;
}

/** The variables by which HAProxy learns an answer. Throws the disk's error where the audit can't be written down. */
export function answerActions(
  plan: Plan,
  request: GateRequest,
  answer: GateAnswer,
  { book, ledger }: Notebook,
  nowMs: number,
): SpopAction[] {
  const core = set('coreNumber', integer(book.numberOf(staticCore(plan, request, answer))));
  if (answer.kind === 'denial') return [core, ...refusalActions(answer, request)];
  const record = recordOf(plan, request, answer, ledger);
  const endSeconds = Math.floor(answer.fields.keepUntilMs / 1000);
  const number =
    endSeconds * 1000 > nowMs ? ledger?.recordNumber(record, answer.fields.identity?.id, nowMs) : undefined;
  const kept =
    number === undefined ? [] : [set('endSeconds', integer(endSeconds)), set('recordNumber', integer(number))];
  return [core, set('record', text(record)), ...kept];
}

/** A refusal as HAProxy gives it to the caller. */
export function refusalActions(
  { reason, allow }: Pick<Denial, 'reason' | 'allow'>,
  { id }: Pick<GateRequest, 'id'>,
): SpopAction[] {
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

function recordOf(plan: Plan, request: GateRequest, permit: Permit, ledger: Ledger | undefined): string {
  const { operation, identity, limits, rule, upstreamPath } = permit.fields;
  const who = identity?.id ?? request.address;
  const counters = limits.map(
    ({ per }, position) => ledger?.counterNumber([rule.name, position, per === 'rule' ? '' : who]) ?? 0,
  );
  const service = serviceNumbers(plan).get(operation.service) ?? 0;
  const path = upstreamPath === pathOf(request.target) ? undefined : upstreamPath;
  return permitRecord({ permit, service, path, counters });
}

function set(name: keyof typeof answerNames, value: SpopData): SpopAction {
  return { kind: 'set-var', scope: 'transaction', name: answerNames[name], value };
}

const integer = (value: number): SpopData => ({ kind: 'uint64', value: BigInt(value) });
const text = (value: string): SpopData => ({ kind: 'string', value });
