import { connectTimeoutMs, upstreamTimeoutMs } from '../std/limits.ts';
import type { ModelTrafficPlan, RetriesPlan, UpstreamPlan } from './types.ts';

/** How calls of a service are carried, with what the Plan leaves out. */
export interface Traffic {
  readonly connectMs: number;
  readonly answerMs: number;
  readonly deadlineMs: number | undefined;
  readonly retries: RetriesPlan;
  /** What is special of a model; empty where nothing is. */
  model(name: string): ModelTrafficPlan;
}

/** Two tries for a call, and a fifth more calls than came. */
export const defaultRetries: RetriesPlan = { triesMax: 2, budgetPpm: 200_000 };

const ordinary: ModelTrafficPlan = {};

/** The one place that knows what holds where an environment says nothing. */
export function trafficOf({ timeouts = {}, retries = defaultRetries, models = {} }: UpstreamPlan): Traffic {
  return {
    connectMs: timeouts.connectMs ?? connectTimeoutMs,
    answerMs: timeouts.answerMs ?? upstreamTimeoutMs,
    deadlineMs: timeouts.deadlineMs,
    retries,
    model: (name) => (Object.hasOwn(models, name) ? (models[name] ?? ordinary) : ordinary),
  };
}
