import { defaultRetries } from '../plan/index.ts';
import type { Located, QueueNode, QueuesNode, ServiceBindingNode } from '../policy/index.ts';
import { printDuration } from '../std/duration.ts';
import { connectTimeoutMs, silentCallTimeoutMs } from '../std/limits.ts';
import type { Scope } from './scope.ts';

/**
 * Timeouts agree from the listener to the service: one that another makes pointless is told, with both values, both places and
 * which one to change. Warnings: a call that waits for nothing still gets through.
 */
export function checkTimeouts(
  scope: Scope,
  { timeouts = {}, retries, queue }: ServiceBindingNode,
  isGrpc: boolean,
): void {
  const { connect, answer, deadline } = timeouts;
  // Clients of gRPC are asked whether they are there: their silence ends no connection.
  if (answer !== undefined && !isGrpc) checkSilence(scope, answer);
  if (deadline === undefined) return;
  if (queue !== undefined) checkWaits(scope, deadline, queue);
  const tries = retries?.tries;
  checkConnects(scope, deadline, { connect, tries, triesMax: tries?.value ?? defaultRetries.triesMax });
  if (answer !== undefined && answer.value > deadline.value) {
    const message = `the deadline of ${shown(deadline)} ends a call before a silence of ${shown(answer)} could`;
    scope.report.add('HG2112', message, {
      span: answer.span,
      hint: 'leave `answer` away, or give it less than the deadline',
      notes: [{ message: 'the deadline', span: deadline.span }],
      severity: 'note',
    });
  }
}

/** A model's queue stands before the service's: a call may wait in both. */
function checkWaits(scope: Scope, deadline: Located<number>, { service, models }: QueuesNode): void {
  const ofService = service?.wait;
  const isServiceLate = ofService !== undefined && ofService.value >= deadline.value;
  if (isServiceLate) reportWait(scope, deadline, { wait: ofService, waitMs: ofService.value, where: 'the queue' });
  for (const { name, queue } of models) {
    const { wait } = queue;
    if (wait === undefined || isServiceLate) continue;
    const waitMs = wait.value + waitOf(service);
    if (waitMs < deadline.value) continue;
    const both = waitMs === wait.value ? '' : ' and then in that of the service';
    reportWait(scope, deadline, { wait, waitMs, where: `the queue of model \`${name.value}\`${both}` });
  }
}

function waitOf(queue: QueueNode | undefined): number {
  return queue?.wait?.value ?? 0;
}

interface LongWait {
  readonly wait: Located<number>;
  /** In all queues that the call passes. */
  readonly waitMs: number;
  readonly where: string;
}

function reportWait({ report }: Scope, deadline: Located<number>, { wait, waitMs, where }: LongWait): void {
  const message = `a call may wait ${printDuration(waitMs)} in ${where}, and its deadline is ${shown(deadline)}`;
  report.add('HG2110', message, {
    span: wait.span,
    hint: `shorten \`wait\`, so that some of the ${shown(deadline)} is left for the service, or lengthen \`deadline\``,
    notes: [{ message: 'the deadline', span: deadline.span }],
    severity: 'warning',
  });
}

interface Connects {
  readonly connect: Located<number> | undefined;
  readonly tries: Located<number> | undefined;
  readonly triesMax: number;
}

function checkConnects({ report }: Scope, deadline: Located<number>, { connect, tries, triesMax }: Connects): void {
  const connectMs = connect?.value ?? connectTimeoutMs;
  if (connectMs * triesMax < deadline.value) return;
  const one = `connecting may take ${printDuration(connectMs)}${byDefault(connect)}`;
  const all = triesMax === 1 ? one : `${one}, and a call is tried ${triesMax} times${byDefault(tries)}`;
  const room = Math.floor((deadline.value - 1) / triesMax);
  report.add('HG2111', `${all}: a deadline of ${shown(deadline)} leaves no time for an answer`, {
    span: connect?.span ?? deadline.span,
    hint: `write \`connect\` of less than ${printDuration(room + 1)}, or lengthen \`deadline\``,
    notes: [
      ...(connect === undefined ? [] : [{ message: 'the deadline', span: deadline.span }]),
      ...(tries === undefined ? [] : [{ message: 'the tries', span: tries.span }]),
    ],
    severity: 'warning',
  });
}

/** A client's connection on which nothing moves is ended, whatever it waits for. */
function checkSilence({ environment, report }: Scope, answer: Located<number>): void {
  const { engine } = environment;
  if (engine.value !== 'embedded' || answer.value <= silentCallTimeoutMs) return;
  const silence = printDuration(silentCallTimeoutMs);
  const message = `the embedded engine ends a client's connection on which nothing moves for ${silence}, before a silence of ${shown(answer)} is over`;
  report.add('HG2113', message, {
    span: answer.span,
    hint: `write at most \`${silence}\`, or take the haproxy engine`,
    notes: [{ message: 'the engine', span: engine.span }],
    severity: 'warning',
  });
}

function byDefault(written: Located<number> | undefined): string {
  return written === undefined ? ' (the default)' : '';
}

function shown({ value }: Located<number>): string {
  return printDuration(value);
}
