import { problemAnswer } from '../gate/index.ts';
import type { Plan } from '../plan/types.ts';
import { auditDirectory } from './audit.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { ExplainOptions } from './explain.ts';
import { callText } from './explain-call-text.ts';
import { headerPair, listOf, queueOf } from './explain-question.ts';
import { compiledPlan } from './files.ts';
import { findCall } from './find-call.ts';
import { type Recalled, type RecordedCall, recall } from './recall.ts';
import type { Terminal } from './terminal.ts';

/** What is known of a recorded call. */
export interface ExplainedCall {
  readonly event: RecordedCall;
  /** The Plan in force by the files now; undefined where they have errors. */
  readonly plan: Plan | undefined;
  readonly recalled: Recalled | undefined;
}

/** `headgate explain ID`: the call with this request id, by the audit, and what each rule lacks for it by now. */
export async function explainCall(requestId: string, options: ExplainOptions, terminal: Terminal): Promise<ExitCode> {
  const event = await findCall(await auditDirectory(options), requestId);
  const plan = await compiledPlan(options, terminal);
  const groups = options.groups === undefined ? undefined : listOf(options.groups);
  const headers = (options.header ?? []).flatMap(headerPair);
  const recalled =
    plan === undefined ? undefined : recall(plan, event, { groups, headers, queue: queueOf(options.queue) });
  const call: ExplainedCall = { event, plan, recalled };
  terminal.out(options.json ? `${JSON.stringify(shape(call), null, 2)}\n` : callText(call));
  return event.core.outcome === 'allow' ? exitCodes.ok : exitCodes.no;
}

/** The problem document that the caller got; undefined where the call went through. */
export function problemOf({
  requestId,
  core,
}: RecordedCall): { readonly status: number; readonly body: string } | undefined {
  return core.reason === 'rule-allows' ? undefined : problemAnswer(core.reason, requestId);
}

function shape({ event, plan, recalled }: ExplainedCall): object {
  const problem = problemOf(event);
  return {
    event,
    ...(problem && { problem: JSON.parse(problem.body) as unknown }),
    now: plan && {
      environment: plan.environment,
      epoch: plan.epoch,
      sameEpoch: plan.epoch === event.core.epoch,
      decision: recalled?.explanation.decision,
      rules: recalled?.explanation.rules.map((each) => ({
        ...each,
        dependsOnGroups: recalled.dependsOnGroups.has(each.rule.index),
      })),
      unknownHeaders: recalled?.unknownHeaders,
      isQueueUnknown: recalled?.isQueueUnknown,
    },
  };
}
