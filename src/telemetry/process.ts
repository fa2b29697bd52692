import { readdirSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { metrics } from './names.ts';
import { setter } from './setter.ts';

/** Where Linux says what a process has open. */
const descriptors = '/proc/self/fd';

/**
 * What Headgate's own Node process takes, all of its threads together. Not prom-client's default set: four of its gauges are
 * named as counters are, and its measure of the event loop's delay wakes the process a hundred times a second.
 */
export function processMetrics(registry: Registry): () => void {
  const cpu = setter(metrics.processCpu, registry);
  const memory = setter(metrics.processMemory, registry);
  const open = setter(metrics.processDescriptors, registry);
  const started = setter(metrics.processStart, registry);
  const startedSeconds = performance.timeOrigin / 1000;
  return () => {
    const { user, system } = process.cpuUsage();
    cpu([[{}, (user + system) / 1e6]]);
    memory([[{}, process.memoryUsage.rss()]]);
    const count = descriptorCount();
    open(count === undefined ? [] : [[{}, count]]);
    started([[{}, startedSeconds]]);
  };
}

/** Undefined where the machine has no such folder. */
function descriptorCount(): number | undefined {
  try {
    return readdirSync(descriptors).length;
  } catch {
    return undefined;
  }
}
