import { type DenialReason, denials, grpcAnswer, statusDetailsHeader } from '../../gate/index.ts';
import type { UpstreamPlan } from '../../plan/types.ts';
import { isSooner } from './deadline-rules.ts';
import { variables } from './names.ts';
import {
  all,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  type Format,
  format,
  not,
  type Sample,
  test,
} from './print.ts';
import type { Refusing } from './refusals.ts';
import { hasDeadline } from './traffic-lines.ts';
import { after, isFound, isUnderWay, placeholder, request, variable, type Words, withRequestId } from './words.ts';

/** Words behind a status: fields and no body, which makes it Trailers-Only. Their content type comes from `grpcAnswerRules`. */
function answerWords(reason: DenialReason, override: Readonly<Record<string, Sample>> = {}): string[] {
  return grpcAnswer(reason, placeholder).headers.flatMap(([name, value]) => {
    const other = override[name];
    if (name === 'content-type') return [];
    if (name === statusDetailsHeader) return ['hdr', name, detailsFormat(reason, override)];
    return ['hdr', name, other === undefined ? withRequestId(value) : format({ sample: other })];
  });
}

/** `google.rpc.Status` with the request's own id. Where the seconds to wait are the call's own, they stand in their variable. */
function detailsFormat(reason: DenialReason, override: Readonly<Record<string, Sample>> = {}): Format {
  const seconds = override['retry-after'] === undefined ? [] : [call('concat', ';', variables.answer.retryAfter)];
  return format({ sample: chain(call('unique-id'), ...seconds, call('lua.details', reason), call('base64')) });
}

/** Words of a rule that refuses a gRPC call by HAProxy itself. */
export function grpcReturnWords(reason: DenialReason, override: Readonly<Record<string, Sample>> = {}): Words {
  const words = answerWords(reason, override);
  for (const [name, sample] of Object.entries(override)) {
    if (!words.includes(name)) words.push('hdr', name, format({ sample }));
  }
  return request('return', 'status', 200, ...words);
}

/** As Trailers-Only answers. The reason is noted first, because the audit can't see it by the status. */
export const refusingGrpc: Refusing = (reason, when, override) => [
  directive(request(`set-var(${variables.grpc})`, call('str', reason)), when),
  ...grpcReturnRules(reason, override),
];

/** The same for calls whose message is here whole: most rules of a refusal are for those whose rest is still to come. */
export const refusingWholeGrpc: Refusing = (reason, when, override = {}) => {
  const isIt = test(variable(variables.grpc), 'str', reason);
  const again = override['retry-after'];
  const { retryAfter } = variables.answer;
  return [
    directive(request(`set-var(${variables.grpc})`, call('str', reason)), when),
    // The details say it, too.
    ...(again === undefined ? [] : [directive(request(`set-var-fmt(${retryAfter})`, format({ sample: again })), isIt)]),
    directive(grpcReturnWords(reason, override), isIt),
  ];
};

/** Answers a call whose reason is noted. */
export function grpcReturnRules(reason: DenialReason, override: Readonly<Record<string, Sample>> = {}): Directive[] {
  const isIt = test(variable(variables.grpc), 'str', reason);
  const fields = new Map(grpcAnswer(reason, placeholder).headers);
  const { grpcStatus, grpcMessage, grpcDetails, retryAfter, policy } = variables.answer;
  const setIf = (when: Condition, name: string, value: Format): Directive =>
    directive(request(`set-var-fmt(${name})`, value), when);
  const set = (name: string, value: Format): Directive => setIf(all(isIt, isUnderWay), name, value);
  const { 'retry-after': again, 'ratelimit-policy': limits } = override;
  const seconds = again === undefined ? fields.get('retry-after') : undefined;
  return [
    // The details say it, too.
    ...(again === undefined ? [] : [setIf(isIt, retryAfter, format({ sample: again }))]),
    set(grpcStatus, withRequestId(fields.get('grpc-status') ?? '')),
    set(grpcMessage, withRequestId(fields.get('grpc-message') ?? '')),
    set(grpcDetails, detailsFormat(reason, override)),
    ...(seconds === undefined ? [] : [set(retryAfter, withRequestId(seconds))]),
    ...(limits === undefined ? [] : [set(policy, format({ sample: limits }))]),
    refuseLate(isIt),
    directive(grpcReturnWords(reason, override), isIt),
  ];
}

/** Where a body is still under way, its rest is taken in first: an answer before its end is followed by a reset, and lost on clients. */
function refuseLate(when: Condition): Directive {
  return directive(request('use-service', 'lua.refuse'), all(when, isUnderWay));
}

/** What HAProxy answers by itself, each as the reason that it stands for. */
const ownErrors: readonly (readonly [status: number, reason: DenialReason])[] = [
  [400, 'request-malformed'],
  [408, 'request-timeout'],
  [500, 'gate-fault'],
  [502, 'upstream-malformed'],
  [503, 'upstream-unavailable'],
  [504, 'upstream-timeout'],
];

/** Reasons of the filter, which ends a call as 400. */
const filterReasons = ['message-malformed', 'message-ambiguous'] as const;

const isOurs = test(call('res.fhdr', 'grpc-status'), 'found');

const deadlineReason = 'deadline-exceeded' satisfies DenialReason;
const isSilence = test(call('status'), 'int', 504);

/** In HAProxy's own errors, for itself: which reason it is. */
const reasonHeader = 'x-headgate-reason';

const hasContent = test(call('res.fhdr', 'content-type'), 'found');

/**
 * HAProxy's own errors as gRPC says them: they carry their reason, which no other text can get into the audit for. `isWalked`: a filter may
 * have ended the call.
 */
export function grpcErrorLines(upstream: UpstreamPlan, isWalked = true): Directive[] {
  const isServed = test(call('status'), 'int', 200);
  const reasons = [...ownErrors.map(([, reason]) => reason), deadlineReason];
  const saidOf = (status: number, reason: DenialReason): DenialReason =>
    status === 504 && hasDeadline(upstream) ? deadlineReason : reason;
  const isOwn = all(not(isServed), test(call('res.fhdr', reasonHeader), 'str', ...reasons));
  return [
    ...ownErrors.map(([status, said]) => {
      const reason = saidOf(status, said);
      return directive(['http-error', 'status', status, ...answerWords(reason), 'hdr', reasonHeader, reason]);
    }),
    // Nearly every answer: nothing of what follows is for it.
    directive(after('allow'), all(isServed, hasContent)),
    ...deadlineLines(all(isOwn, isSilence, isSooner(upstream))),
    // The audit has to know what it was: afterwards, it is 200.
    directive(after(`set-var(${variables.grpc})`, call('res.fhdr', reasonHeader)), isOwn),
    ...(isWalked ? filterLines(isOwn) : []),
    directive(after('set-status', 200), isOwn),
    directive(after('del-header', reasonHeader)),
    ...grpcAnswerRules(),
  ];
}

/** What the filter has ended, and why. */
function filterLines(isOwn: Condition): Directive[] {
  return [
    ...filterReasons.flatMap((reason) => {
      const value = grpcAnswer(reason, placeholder).headers.find(([name]) => name === 'grpc-message')?.[1] ?? '';
      const isIt = all(isOwn, test(variable(variables.why), 'str', reason));
      return [
        directive(after('set-header', 'grpc-message', withRequestId(value)), isIt),
        directive(after('set-header', statusDetailsHeader, detailsFormat(reason)), isIt),
      ];
    }),
    directive(after(`set-var(${variables.grpc})`, variable(variables.why)), all(isOwn, isFound(variables.why))),
  ];
}

/** The silence of a replica that a client's own deadline has ended. */
function deadlineLines(when: Condition): Directive[] {
  const message = grpcAnswer(deadlineReason, placeholder).headers.find(([name]) => name === 'grpc-message')?.[1] ?? '';
  return [
    directive(after('set-header', 'grpc-message', withRequestId(message)), when),
    directive(after('set-header', statusDetailsHeader, detailsFormat(deadlineReason)), when),
    directive(after('set-header', reasonHeader, deadlineReason), when),
  ];
}

/** A content type for answers that have none but a gRPC status. */
export function grpcAnswerRules(): Directive[] {
  return [directive(after('set-header', 'content-type', 'application/grpc'), all(not(hasContent), isOurs))];
}

/** The answer to a body that doesn't come, in a frontend: as it is for REST, without a body for gRPC. */
export function silenceLines(problem: string): Directive[] {
  const answer = new Map(grpcAnswer('request-timeout', placeholder).headers);
  const isLate = test(call('status'), 'int', denials['request-timeout'].status);
  const when = isFound(variables.grpc);
  // Cut by what a gRPC call has there, nothing is left.
  const body = format({ sample: chain(call('var', variables.grpc, `1${problem}`), call('bytes', 1)) });
  return [
    directive(['http-error', 'status', 408, 'content-type', 'application/problem+json', 'lf-string', body]),
    directive(after('allow'), not(isLate)),
    directive(after('set-header', 'content-type', 'application/grpc'), when),
    directive(after('set-header', 'grpc-status', answer.get('grpc-status') ?? ''), when),
    directive(after('set-header', 'grpc-message', withRequestId(answer.get('grpc-message') ?? '')), when),
    directive(after('set-header', statusDetailsHeader, detailsFormat('request-timeout')), when),
    directive(after(`set-var(${variables.grpc})`, call('str', 'request-timeout')), when),
    directive(after('set-status', 200), when),
  ];
}

/** The answer to what the gate has refused: all of it stands in the agent's variables. `hasLua`: it is loaded there. */
export function grpcRefusalRules(hasLua: boolean): Directive[] {
  const { grpcStatus, grpcMessage, grpcDetails, retryAfter } = variables.answer;
  const status = ['hdr', 'grpc-status', format({ sample: variable(grpcStatus) })];
  const message = ['hdr', 'grpc-message', format({ sample: variable(grpcMessage) })];
  const details = ['hdr', statusDetailsHeader, format({ sample: variable(grpcDetails) })];
  const words = request('return', 'status', 200, ...status, ...message, ...details);
  const again = ['hdr', 'retry-after', format({ sample: variable(retryAfter) })];
  return [
    ...(hasLua ? [refuseLate(isFound(grpcStatus))] : []),
    directive([...words, ...again], all(isFound(grpcStatus), isFound(retryAfter))),
    directive(words, isFound(grpcStatus)),
  ];
}

/** What the walk refuses in the buffer. */
export const messageReasons = [
  'request-malformed',
  'message-malformed',
  'message-ambiguous',
  'message-compressed',
  'body-too-large',
  'header-too-large',
] as const satisfies readonly DenialReason[];
