import { matchesSegments } from '../decision/index.ts';
import { conditionsOf, type ResourcePattern } from '../plan/index.ts';
import type { Located, QueuesNode } from '../policy/index.ts';
import type { CompiledRule } from './rules.ts';
import type { KnownService, Scope } from './scope.ts';

/**
 * A condition that reads a queue needs one to be there, in each environment in which its rule holds: of the service, or of every
 * model that the rule is about.
 */
export function checkQueueReads(scope: Scope, rules: readonly CompiledRule[]): void {
  const here = scope.environment.name.value;
  const queues = new Map(scope.environment.services.map(({ name, queue }) => [name.value, queue]));
  for (const rule of rules) {
    if (rule.in !== undefined && !rule.in.has(here)) continue;
    const written = [rule.node, ...rule.node.unless];
    for (const [index, { when }] of conditionsOf(rule.plan).entries()) {
      const place = written[index]?.when;
      if (when?.reads.queue === undefined || place === undefined) continue;
      const lacking = lackingQueue(scope, rule.plan.resources, queues);
      if (lacking !== undefined) reportLacking(scope, place.span, lacking);
    }
  }
}

interface Lacking {
  readonly service: string;
  /** The first that has none, where others have; undefined: the service has no queue at all. */
  readonly model: string | undefined;
}

function lackingQueue(
  { services }: Scope,
  resources: readonly ResourcePattern[],
  queues: ReadonlyMap<string, QueuesNode | undefined>,
): Lacking | undefined {
  for (const { service, segments } of resources) {
    const known = services.get(service);
    const queue = queues.get(service);
    if (known === undefined || queue?.service !== undefined) continue;
    if (queue === undefined) return { service, model: undefined };
    const models = new Set(queue.models.map(({ name }) => name.value));
    const model = modelsOf(known, segments).find((each) => !models.has(each));
    if (model !== undefined) return { service, model };
  }
  return undefined;
}

function modelsOf({ models }: KnownService, segments: readonly string[]): readonly string[] {
  const [only = ''] = segments;
  if (segments.length === 1 && !only.includes('*')) return [only];
  return [...models].filter((model) => matchesSegments(segments, [model]));
}

function reportLacking(
  { environment, report }: Scope,
  span: Located<unknown>['span'],
  { service, model }: Lacking,
): void {
  const { value, span: place } = environment.name;
  const who = model === undefined ? `service \`${service}\`` : `model \`${model}\` of service \`${service}\``;
  const message = `this condition reads a queue, and ${who} has none in environment \`${value}\``;
  const queue = '{ inFlight: 64, waiting: 200, wait: 500ms }';
  const hint = `give it one in ${environment.file}: services: { ${service}: { queue: ${queue} } }, or hold the rule to other environments by \`in\``;
  report.add('HG2104', message, { span, hint, notes: [{ message: 'this environment', span: place }] });
}
