import {
  type CompressionPlan,
  defaultRetries,
  type HealthPlan,
  type QueuePlan,
  type QueuesPlan,
  type RetriesPlan,
  type TimeoutsPlan,
  type UpstreamPlan,
} from '../plan/index.ts';
import type {
  CompressionNode,
  HealthNode,
  QueueNode,
  QueuesNode,
  RetriesNode,
  ServiceBindingNode,
  TimeoutsNode,
} from '../policy/index.ts';
import { answerTimeoutMsMax } from '../std/limits.ts';
import { compileCarried } from './carried.ts';
import { distinct, type KnownService, type Scope } from './scope.ts';
import { checkTimeouts } from './timeouts.ts';

/** How calls are carried to a service: what its binding says, and of single models the policy. */
export function compileTraffic(
  scope: Scope,
  binding: ServiceBindingNode,
): Omit<UpstreamPlan, 'service' | 'endpoints'> | undefined {
  const known = scope.services.get(binding.name.value);
  if (known === undefined) return undefined;
  const { timeouts, health, retries, queue, compression } = binding;
  const models = compileCarried(scope, known);
  const isGrpc = known.node.protocol.value === 'grpc';
  checkTimeouts(scope, binding, isGrpc);
  return {
    ...(isGrpc && { timeouts: streamTimeouts(timeouts) }),
    ...(!isGrpc && timeouts && { timeouts: timeoutsPlan(timeouts) }),
    ...(known.node.streamsEnd?.value === 'status' && { streams: { end: 'status' } }),
    ...(health && { health: healthPlan(scope, health, isGrpc) }),
    ...(retries && { retries: retriesPlan(scope, retries) }),
    ...(queue && { queue: queuesPlan(scope, queue, known) }),
    ...(compression && { compression: compressionPlan(compression) }),
    ...(models && { models }),
  };
}

function timeoutsPlan({ connect, answer, deadline }: TimeoutsNode): TimeoutsPlan {
  return {
    ...(connect && { connectMs: connect.value }),
    ...(answer && { answerMs: answer.value }),
    ...(deadline && { deadlineMs: deadline.value }),
  };
}

/** A stream may be silent for as long as a bound can be, where nobody says otherwise. */
function streamTimeouts(written: TimeoutsNode | undefined): TimeoutsPlan {
  return { answerMs: answerTimeoutMsMax, ...(written && timeoutsPlan(written)) };
}

/** What holds of a poll that nothing more is said of. */
const defaultHealth: HealthPlan = { everyMs: 2000, rise: 2, fall: 3 };

function healthPlan({ report }: Scope, { every, rise, fall, service }: HealthNode, isGrpc: boolean): HealthPlan {
  if (service !== undefined && !isGrpc) {
    const message = 'only a service of protocol `grpc` is asked about a name';
    report.add('HG2120', message, { span: service.span, hint: 'remove `service`' });
  }
  return {
    everyMs: every?.value ?? defaultHealth.everyMs,
    rise: rise?.value ?? defaultHealth.rise,
    fall: fall?.value ?? defaultHealth.fall,
    ...(service && { service: service.value }),
  };
}

function retriesPlan({ report }: Scope, { tries, budget, span }: RetriesNode): RetriesPlan {
  const triesMax = tries?.value ?? defaultRetries.triesMax;
  const budgetPpm = budget?.value ?? defaultRetries.budgetPpm;
  if (triesMax > 1 && budgetPpm === 0) {
    const hint = 'write `retries: none`, or give it a budget such as `20%`';
    report.add('HG2103', 'no call is tried again: the budget is nothing', {
      span: budget?.span ?? span,
      hint,
      severity: 'warning',
    });
  }
  return { triesMax, budgetPpm };
}

function queuesPlan(scope: Scope, { service, models }: QueuesNode, known: KnownService): QueuesPlan {
  for (const { name, queue } of models) {
    checkModel(scope, known, name);
    if (service !== undefined && known.models.has(name.value)) checkNarrower(scope, name.value, { queue, service });
  }
  return {
    ...(service && { service: queuePlan(service) }),
    ...(models.length > 0 && {
      models: Object.fromEntries(models.map(({ name, queue }) => [name.value, queuePlan(queue)])),
    }),
  };
}

function queuePlan({ inFlight, waiting, wait }: QueueNode): QueuePlan {
  return { inFlightMax: inFlight.value, waitingMax: waiting?.value ?? 0, waitMs: wait?.value ?? 0 };
}

function checkModel(
  { report, hint }: Scope,
  { node, models }: KnownService,
  { value, span }: QueuesNode['models'][number]['name'],
): void {
  if (models.has(value)) return;
  const message = `service \`${node.name.value}\` has no model \`${value}\``;
  const notes = [{ message: `\`${node.name.value}\` and its models are declared here`, span: node.name.span }];
  report.add('HG2100', message, { span, hint: hint(value, [...models]), notes });
}

function checkNarrower(
  { report }: Scope,
  model: string,
  { queue, service }: { readonly queue: QueueNode; readonly service: QueueNode },
): void {
  if (queue.inFlight.value < service.inFlight.value) return;
  const message = `the queue of model \`${model}\` lets in as many calls as that of the service: it holds none back`;
  report.add('HG2102', message, {
    span: queue.inFlight.span,
    hint: `write fewer than ${service.inFlight.value}, or remove it`,
    notes: [{ message: 'the queue of the service', span: service.inFlight.span }],
    severity: 'warning',
  });
}

function compressionPlan({ answers, requests }: CompressionNode): CompressionPlan {
  return {
    ...(answers && { answers: distinct(answers.map(({ value }) => value)) }),
    ...(requests && { requests: requests.value }),
  };
}
