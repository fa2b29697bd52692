import { readFile } from 'node:fs/promises';
import { messageOf } from '../control/index.ts';
import { readIdKey } from '../gate/index.ts';
import type { Plan } from '../plan/types.ts';
import { type Answered, askGate } from './ask-gate.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { explainCall } from './explain-call.ts';
import { callerOf, momentOf, type QuestionOptions, queueOf, requestOf } from './explain-question.ts';
import { explainText } from './explain-text.ts';
import { compiledPlan, type FileOptions } from './files.ts';
import { grantorsOf } from './grantors.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface ExplainOptions extends FileOptions, QuestionOptions {
  readonly tokenFile?: string;
  /** Of a request that was made: the audit knows it. */
  readonly id?: string;
  /** The audit's folder, for a call by its id. */
  readonly directory?: string;
  readonly json?: boolean;
}

/** `headgate explain`: what the gate would answer to a call, and why; or why it answered a call of the audit as it did. */
export async function explain(options: ExplainOptions, terminal: Terminal): Promise<ExitCode> {
  const { id, call } = options;
  if (id !== undefined && call === undefined) return explainCall(id, options, terminal);
  if (id !== undefined || call === undefined) {
    throw new UsageError(
      'explain needs either --call or the id of a request',
      'as in --call "POST /v1/models/NAME:predict"',
    );
  }
  return explainQuestion(options, terminal);
}

async function explainQuestion(options: ExplainOptions, terminal: Terminal): Promise<ExitCode> {
  const plan = await compiledPlan(options, terminal);
  if (plan === undefined) return exitCodes.no;
  const nowMs = momentOf(options.at, Date.now());
  const { tokenFile } = options;
  if (tokenFile !== undefined && options.as !== undefined) {
    throw new UsageError('--as and --token-file both say who calls', 'use one of them');
  }
  const request = requestOf(plan, options);
  const credential = tokenFile === undefined ? [] : ['authorization', `Bearer ${await tokenOf(tokenFile)}`];
  const caller = tokenFile === undefined ? callerOf(plan, options, nowMs) : undefined;
  const asked = { ...request, headers: [...request.headers, ...credential] };
  const question = {
    plan,
    request: asked,
    caller,
    nowMs,
    queue: queueOf(options.queue),
    idKey: await readIdKey(plan.state),
  };
  const answered = await askGate(question);
  terminal.out(
    options.json ? `${JSON.stringify(shape(answered, plan), null, 2)}\n` : explainText(answered, plan.access),
  );
  return answered.answer.kind === 'permit' ? exitCodes.ok : exitCodes.no;
}

/** The token, from a file or (`-`) from standard input: never from an argument, where other users could read it. */
async function tokenOf(file: string): Promise<string> {
  try {
    return (await readFile(file === '-' ? '/dev/stdin' : file, 'utf8')).trim();
  } catch (cause) {
    throw new UsageError(`can't read the token file ${file}: ${messageOf(cause)}`);
  }
}

/** What programs read. Never an assertion or a credential. */
function shape({ answer, identity, explanation, doubt }: Answered, { access }: Plan): object {
  const known = answer.kind === 'permit' ? answer.fields : answer;
  const rules = explanation?.rules ?? [];
  const { operation } = known;
  const isRefused = answer.kind === 'denial' && operation !== undefined;
  return {
    outcome: answer.kind === 'permit' ? 'allow' : 'deny',
    reason: answer.kind === 'permit' ? 'rule-allows' : answer.reason,
    rule: known.rule,
    operation: known.operation,
    doubt,
    caller: identity && {
      provider: identity.provider,
      subject: identity.subject,
      client: identity.client,
      groups: identity.groups,
    },
    limits: answer.kind === 'permit' ? answer.fields.limits : [],
    detail: answer.kind === 'denial' ? answer.detail : undefined,
    epoch: known.epoch,
    rules,
    ...(isRefused && { grantors: grantorsOf(access, operation, { rules, deciding: known.rule?.index }) }),
  };
}
