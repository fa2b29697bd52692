import { type DenialReason, statusDetailsHeader } from '../../gate/index.ts';
import { grpcReturnWords } from './grpc-refusals.ts';
import { variables } from './names.ts';
import { all, type Condition, call, type Directive, directive, format, type Sample, test } from './print.ts';
import type { Refusing } from './refusals.ts';
import { trackRefusedRules } from './stream-tracking.ts';
import { isFound, request, variable } from './words.ts';

/** The client has sent all that it will. */
const isEnded = test(call('internal.htx.has_eom'), undefined);

/**
 * As Trailers-Only answers, at once: a client that is still sending learns its status, and isn't reset. The reason is noted first, because
 * the audit can't see it by the status.
 */
export const refusingStream: Refusing = (reason, when, override = {}) => {
  const isIt = test(variable(variables.grpc), 'str', reason);
  const { retryAfter, policy } = variables.answer;
  const note = (name: string, sample: Sample | undefined): Directive[] =>
    sample === undefined ? [] : [directive(request(`set-var-fmt(${name})`, format({ sample })), isIt)];
  return [
    directive(request(`set-var(${variables.grpc})`, call('str', reason)), when),
    ...note(retryAfter, override['retry-after']),
    ...note(policy, override['ratelimit-policy']),
    directive(grpcReturnWords(reason, override), all(isIt, isEnded)),
    ...answerOpen(isIt),
  ];
};

/** Such a call is among the open ones, so that one that is never ended by its client is: see stream-watch.ts. */
function answerOpen(when: Condition): Directive[] {
  return [...trackRefusedRules(when), directive(request('use-service', 'lua.answer'), when)];
}

/** The answer to what the gate has refused: all of it stands in the agent's variables. */
export function streamRefusalRules(): Directive[] {
  const { grpcStatus, grpcMessage, grpcDetails, retryAfter } = variables.answer;
  const isRefused = isFound(grpcStatus);
  const isWhole = all(isRefused, isEnded);
  const held = (name: string, variableName: string): string[] => [
    ...['hdr', name, format({ sample: variable(variableName) })],
  ];
  const words = [
    ...['return', 'status', '200'],
    ...held('grpc-status', grpcStatus),
    ...held('grpc-message', grpcMessage),
    ...held(statusDetailsHeader, grpcDetails),
  ];
  return [
    directive(request(...words, ...held('retry-after', retryAfter)), all(isWhole, isFound(retryAfter))),
    directive(request(...words), isWhole),
    ...answerOpen(isRefused),
  ];
}

/** Reasons for which the frontend refuses such calls by itself. */
export const streamReasons = ['request-malformed'] as const satisfies readonly DenialReason[];
