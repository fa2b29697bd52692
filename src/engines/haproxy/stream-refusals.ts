import { type DenialReason, grpcAnswer } from '../../gate/index.ts';
import { grpcReturnWords } from './grpc-refusals.ts';
import { variables } from './names.ts';
import {
  all,
  type Condition,
  call,
  type Directive,
  directive,
  type Format,
  format,
  not,
  type Sample,
  test,
} from './print.ts';
import type { Refusing } from './refusals.ts';
import { trackRefusedRules } from './stream-tracking.ts';
import { isFound, placeholder, request, variable, withRequestId } from './words.ts';

/** The client has sent all that it will. */
const isEnded = test(call('internal.htx.has_eom'), undefined);

/**
 * As Trailers-Only answers, at once: a client that is still sending learns its status, and isn't reset. The reason is noted first, because
 * the audit can't see it by the status.
 */
export const refusingStream: Refusing = (reason, when, override = {}) => {
  const isIt = test(variable(variables.grpc), 'str', reason);
  const fields = new Map(grpcAnswer(reason, placeholder).headers);
  const { grpcStatus, grpcMessage, retryAfter, policy } = variables.answer;
  const isOpen = all(isIt, not(isEnded));
  const set = (name: string, value: Format): Directive => directive(request(`set-var-fmt(${name})`, value), isOpen);
  const { 'retry-after': again, 'ratelimit-policy': limits } = override;
  return [
    directive(request(`set-var(${variables.grpc})`, call('str', reason)), when),
    directive(grpcReturnWords(reason, override), all(isIt, isEnded)),
    set(grpcStatus, withRequestId(fields.get('grpc-status') ?? '')),
    set(grpcMessage, withRequestId(fields.get('grpc-message') ?? '')),
    ...fieldLines(set, retryAfter, again, fields.get('retry-after')),
    ...fieldLines(set, policy, limits, undefined),
    ...answerOpen(isIt),
  ];
};

function fieldLines(
  set: (name: string, value: Format) => Directive,
  name: string,
  sample: Sample | undefined,
  text: string | undefined,
): Directive[] {
  if (sample !== undefined) return [set(name, format({ sample }))];
  return text === undefined ? [] : [set(name, format(text))];
}

/** Such a call is among the open ones, so that one that is never ended by its client is: see stream-watch.ts. */
function answerOpen(when: Condition): Directive[] {
  return [...trackRefusedRules(when), directive(request('use-service', 'lua.answer'), when)];
}

/** The answer to what the gate has refused: all of it stands in the agent's variables. */
export function streamRefusalRules(): Directive[] {
  const { grpcStatus, grpcMessage, retryAfter } = variables.answer;
  const isRefused = isFound(grpcStatus);
  const isWhole = all(isRefused, isEnded);
  const words = [
    ...['return', 'status', '200'],
    ...['hdr', 'grpc-status', format({ sample: variable(grpcStatus) })],
    ...['hdr', 'grpc-message', format({ sample: variable(grpcMessage) })],
  ];
  const again = ['hdr', 'retry-after', format({ sample: variable(retryAfter) })];
  return [
    directive(request(...words, ...again), all(isWhole, isFound(retryAfter))),
    directive(request(...words), isWhole),
    ...answerOpen(isRefused),
  ];
}

/** Reasons for which the frontend refuses such calls by itself. */
export const streamReasons = ['request-malformed'] as const satisfies readonly DenialReason[];
