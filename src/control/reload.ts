import { type Diagnostic, renderTerminal } from '../diagnostics/index.ts';
import type { Engine, RunningEngine } from '../engines/engine.ts';
import type { Plan } from '../plan/types.ts';
import { canonicalJson } from '../std/canonical-json.ts';
import { type CompiledFiles, compileFiles, type Files } from './compile-files.ts';
import { messageOf } from './fault.ts';
import type { ReplicaWatch } from './replica-watch.ts';
import { restartReasons } from './restart-reasons.ts';
import type { ReloadStatus } from './status.ts';
import type { Stamps } from './watch.ts';

export interface Reloading {
  readonly files: Files;
  readonly engine: Engine;
  readonly running: RunningEngine;
  readonly replicas: Pick<ReplicaWatch, 'takeUp'>;
  readonly plan: Plan;
  readonly log: (line: string) => void;
}

export interface Reloaded {
  /** What runs now: the new Plan, or the one from before. */
  readonly plan: Plan;
  readonly status: ReloadStatus;
  /** Of the files as they were read; undefined: they could not be. */
  readonly digest?: string;
  /** Those files, as they were before. */
  readonly stamps?: Stamps;
}

type Outcome = Pick<ReloadStatus, 'outcome' | 'message'> & Partial<Pick<ReloadStatus, 'diagnostics'>>;

/** Takes up what the files say now. What is broken, or can't be taken up while running, leaves the old Plan in force. Never rejects. */
export async function reload(reloading: Reloading, nowMs: number): Promise<Reloaded> {
  const { log } = reloading;
  const { plan, digest, stamps, ...outcome } = await attempt(reloading);
  log(outcome.message);
  const status = { diagnostics: [], ...outcome, at: new Date(nowMs).toISOString() };
  const read = { ...(digest !== undefined && { digest }), ...(stamps !== undefined && { stamps }) };
  return { plan: plan ?? reloading.plan, status, ...read };
}

type Attempt = Outcome & Pick<Reloaded, 'digest' | 'stamps'> & { readonly plan?: Plan };

async function attempt(reloading: Reloading): Promise<Attempt> {
  try {
    const compiled = await compileFiles(reloading.files);
    return { ...(await takeUp(reloading, compiled)), digest: compiled.digest, stamps: compiled.stamps };
  } catch (fault) {
    return rejected(messageOf(fault));
  }
}

async function takeUp({ engine, running, replicas, plan, log }: Reloading, compiled: CompiledFiles): Promise<Attempt> {
  try {
    const refusals = compiled.plan === undefined ? [] : await engine.check(compiled.plan);
    const diagnostics = [...compiled.diagnostics, ...refusals];
    if (diagnostics.length > 0) log(renderTerminal(diagnostics, { sources: compiled.sources }));
    if (compiled.plan === undefined || diagnostics.some(isError)) return rejected('the files have errors', diagnostics);
    const reasons = restartReasons(plan, compiled.plan);
    if (reasons.length > 0) return rejected(`a change of ${reasons.join(' and ')} needs a restart`, diagnostics);
    await bringAbout({ running, replicas, plan, log }, compiled.plan);
    return { outcome: 'taken', message: takenText(plan, compiled.plan), diagnostics, plan: compiled.plan };
  } catch (fault) {
    return rejected(messageOf(fault));
  }
}

type Parts = Pick<Reloading, 'running' | 'replicas' | 'plan' | 'log'>;

/** Replicas come and go without a reload; whatever else changes is swapped in. */
async function bringAbout({ running, replicas, plan, log }: Parts, wanted: Plan): Promise<void> {
  if (running.setReplicas !== undefined && differInEndpointsAlone(plan, wanted)) {
    try {
      await replicas.takeUp(wanted);
    } catch (fault) {
      await replicas.takeUp(plan).catch(() => undefined);
      throw fault;
    }
    return;
  }
  await running.swap(wanted);
  await replicas.takeUp(wanted).catch((fault: unknown) => log(`replicas are not all taken up: ${messageOf(fault)}`));
}

/** Nothing but which replicas the services have. That a service speaks gRPC at all is more: engines are built for it. */
function differInEndpointsAlone(before: Plan, after: Plan): boolean {
  const without = (plan: Plan): string =>
    canonicalJson({
      ...plan,
      upstreams: plan.upstreams.map(({ endpoints, ...upstream }) => {
        return { ...upstream, hasGrpc: endpoints.some(({ grpc }) => grpc !== undefined) };
      }),
    });
  return canonicalJson(before) !== canonicalJson(after) && without(before) === without(after);
}

function takenText(before: Plan, { epoch, ...after }: Plan): string {
  if (differInEndpointsAlone(before, { epoch, ...after })) return 'change taken up: endpoints';
  const differs = (key: 'listeners' | 'upstreams'): boolean => canonicalJson(before[key]) !== canonicalJson(after[key]);
  const changes: string[] = (['listeners', 'upstreams'] as const).filter(differs);
  if (before.epoch !== epoch) changes.unshift(`access (epoch ${epoch})`);
  return changes.length === 0
    ? 'files read again: nothing in them means anything else'
    : `change taken up: ${changes.join(', ')}`;
}

function rejected(why: string, diagnostics: readonly Diagnostic[] = []): Outcome {
  return {
    outcome: 'rejected',
    message: `change not taken up, the policy from before stays in force: ${why}`,
    diagnostics,
  };
}

/** Whether a diagnostic stands in the way. */
export function isError({ severity }: Diagnostic): boolean {
  return severity === 'error';
}
