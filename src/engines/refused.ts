import { listNames, Report } from '../diagnostics/index.ts';
import type { Diagnostic } from '../diagnostics/types.ts';
import type { Coding, Plan, UpstreamPlan } from '../plan/types.ts';
import type { Engine, Feature } from './engine.ts';

/** What a Plan wants of how calls are carried, and the engine says it doesn't do: never left out silently. */
export function refusedFeatures(
  { name, capabilities }: Pick<Engine, 'name' | 'capabilities'>,
  plan: Plan,
): readonly Diagnostic[] {
  const report = new Report();
  const isRefused = (feature: Feature): boolean => capabilities[feature] === 'refused';
  for (const listener of plan.listeners) {
    if (listener.connectionAge === undefined || !isRefused('connection-age')) continue;
    const message = `the ${name} engine doesn't end connections by their age, and listener \`${listener.name}\` asks for it`;
    report.add('HG3020', message, { hint: 'leave it out, or take another engine' });
  }
  for (const upstream of plan.upstreams) {
    for (const { feature, what } of wantedOf(upstream)) {
      if (!isRefused(feature)) continue;
      const message = `the ${name} engine doesn't do ${what}, and service \`${upstream.service}\` asks for it`;
      report.add('HG3020', message, { hint: 'leave it out, or take another engine' });
    }
    checkCodings(upstream, { name, isRefused, report });
  }
  return report.diagnostics();
}

interface Wanted {
  readonly feature: Feature;
  readonly what: string;
}

function wantedOf({
  endpoints,
  health,
  timeouts,
  retries,
  queue,
  compression,
  models = {},
}: UpstreamPlan): readonly Wanted[] {
  const carried = Object.values(models);
  const wanted: readonly (readonly [boolean, Feature, string])[] = [
    [endpoints.some(({ dns }) => dns === true), 'replicas-without-reload', 'endpoints by DNS'],
    [health !== undefined, 'health', 'health checks'],
    [timeouts?.deadlineMs !== undefined, 'deadline', 'deadlines'],
    [(retries?.triesMax ?? 1) > 1, 'retry', 'retries'],
    [queue !== undefined, 'queue', 'queues'],
    [compression?.requests !== undefined, 'compress-requests', 'compression of requests'],
    [carried.some(({ sequence }) => sequence !== undefined), 'sequence', 'sequences'],
    [carried.some(({ repeats }) => repeats !== undefined), 'coalesce', 'coalescing of repeats'],
  ];
  return wanted.filter(([isWanted]) => isWanted).map(([, feature, what]) => ({ feature, what }));
}

interface Checking {
  readonly name: Engine['name'];
  readonly isRefused: (feature: Feature) => boolean;
  readonly report: Report;
}

/** Of several codings the engine takes those that it has: that one is missing is no error. */
function checkCodings({ service, compression }: UpstreamPlan, { name, isRefused, report }: Checking): void {
  const answers = compression?.answers ?? [];
  const lacking = answers.filter((coding) => isRefused(featureOf(coding)));
  if (lacking.length === 0) return;
  const listed = listNames(lacking, 'or');
  if (lacking.length === answers.length) {
    const message = `the ${name} engine doesn't code answers in ${listed}, and service \`${service}\` asks for it`;
    report.add('HG3020', message, { hint: 'leave it out, or take another engine' });
    return;
  }
  const message = `the ${name} engine doesn't code answers in ${listed}: those of service \`${service}\` go out in the others`;
  report.add('HG3021', message, { severity: 'warning', hint: 'leave it out where this engine is all there is' });
}

function featureOf(coding: Coding): Feature {
  return `compress-${coding}`;
}
