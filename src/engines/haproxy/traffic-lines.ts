import { trafficOf } from '../../plan/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { connectTimeoutMs, retryBodyBytesMax, upstreamTimeoutMs } from '../../std/limits.ts';
import { retryBytesName, variables } from './names.ts';
import { call, chain, type Directive, directive, test } from './print.ts';
import { unsafeLetters } from './record.ts';
import { answerWords } from './refusals.ts';
import type { ServerKind } from './servers.ts';
import { request, variable } from './words.ts';

/** What a call is sent again on, beside a connection that can't be had. */
const retryOn = ['conn-failure', 'empty-response', 502, 503] as const;

/** How long calls of a service may take, and how often they are tried: what differs from the defaults. */
export function trafficLines(upstream: UpstreamPlan, kind: ServerKind): Directive[] {
  const { connectMs, retries } = trafficOf(upstream);
  const silenceMs = silenceMsOf(upstream);
  return [
    ...(connectMs === connectTimeoutMs ? [] : [directive(['timeout', 'connect', `${connectMs}ms`])]),
    ...(silenceMs === upstreamTimeoutMs ? [] : [directive(['timeout', 'server', `${silenceMs}ms`])]),
    ...(kind === 'rest' && hasDeadline(upstream)
      ? [directive(['http-error', 'status', 504, ...answerWords('deadline-exceeded')])]
      : []),
    ...(kind === 'rest' ? compressionLines(upstream) : []),
    directive(['retries', retries.triesMax - 1]),
    ...(retries.triesMax > 1 ? [directive(['retry-on', ...retryOn])] : []),
  ];
}

/** Answers are coded on their way to clients that take it, and say that they vary by that. Others codings than gzip go the assisted way. */
function compressionLines({ compression }: UpstreamPlan): Directive[] {
  if (compression?.answers?.includes('gzip') !== true) return [];
  // Beside other filters, its place has to be said.
  return [directive(['filter', 'compression']), directive(['compression', 'algo', 'gzip'])];
}

/** How long a replica may be silent: all that HAProxy 2.6 knows of a deadline. */
export function silenceMsOf(upstream: UpstreamPlan): number {
  const { answerMs, deadlineMs } = trafficOf(upstream);
  return Math.min(answerMs, deadlineMs ?? answerMs);
}

/** Whether what ends the silence of a replica is the deadline. */
export function hasDeadline(upstream: UpstreamPlan): boolean {
  const { answerMs, deadlineMs } = trafficOf(upstream);
  return deadlineMs !== undefined && deadlineMs <= answerMs;
}

/** Largest body that is sent again at first; a service whose budget is used up has it less than nothing: see retry-budget.ts. */
export const retryBytesAtFirst = retryBodyBytesMax;

/**
 * Calls that aren't sent again once a replica had them: of a body that is too large, and all while the budget of further tries is used
 * up, which is one number. `isMarked`: of calls that may be unsafe, which their record says.
 */
export function retryRules(upstream: UpstreamPlan, index: number, isMarked: boolean): Directive[] {
  if (trafficOf(upstream).retries.triesMax === 1) return [];
  const over = chain(call('req.body_size'), call('sub', retryBytesName(index)));
  const isUnsafe = test(variable(variables.record), 'beg', ...unsafeLetters);
  return [
    directive(request('disable-l7-retry'), test(over, 'int', 'gt', 0)),
    ...(isMarked ? [directive(request('disable-l7-retry'), isUnsafe)] : []),
  ];
}

const deadlines = new WeakMap<Plan, ReadonlySet<string>>();

/** Services whose calls have a deadline, which is what ends the silence of a replica; worked out once for each Plan. */
export function deadlinesOf(plan: Plan): ReadonlySet<string> {
  const known = deadlines.get(plan) ?? new Set(plan.upstreams.filter(hasDeadline).map(({ service }) => service));
  deadlines.set(plan, known);
  return known;
}
