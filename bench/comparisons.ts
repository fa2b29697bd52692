import { type Figure, figureOfCosts } from './figures.ts';
import { isInstalled } from './processes.ts';
import { startBareNode } from './sides/bare-node.ts';
import { envoyInstall, envoyProgram, startEnvoy } from './sides/envoy.ts';
import { startBareHaproxy, startHandwrittenHaproxy } from './sides/haproxy.ts';
import { startHeadgate } from './sides/headgate.ts';
import type { Side, SideSetting } from './sides/side.ts';
import { busyShareMin, type Cost, measure, type SuiteOptions } from './suite.ts';

export interface ComparisonOptions extends Omit<SuiteOptions, 'tokenCount' | 'warmRuns'> {
  readonly tokenCounts: readonly number[];
}

export interface Comparison {
  readonly figures: readonly Figure[];
  /** What isn't installed here, with the command that installs it. */
  readonly notRun: readonly string[];
  /** What is here and didn't start. */
  readonly failures: readonly string[];
}

/** Seconds of load on each side before anything counts. */
const firstWarmRuns = 4;

interface Entrant {
  readonly name: string;
  readonly start: () => Promise<Side>;
}

interface Rival extends Entrant {
  /** Name of the figure, before the number of tokens. */
  readonly figure: string;
  readonly goal: number | null;
}

/** The HAProxy engine beside HAProxy forwarding bare, and beside one written by hand for the same policy. */
export function compareHaproxy(setting: SideSetting, options: ComparisonOptions): Promise<Comparison> {
  const ours = { name: 'headgate-haproxy', start: () => startHeadgate('haproxy', setting) };
  const rivals = [
    { name: 'bare-haproxy', figure: 'haproxy/of-bare', goal: 0.65, start: () => startBareHaproxy(setting) },
    {
      name: 'handwritten-haproxy',
      figure: 'haproxy/over-handwritten',
      goal: 1.3,
      start: () => startHandwrittenHaproxy(setting),
    },
  ];
  return compare({ ours, rivals }, options);
}

/** Calls that HAProxy hands over to the embedded engine, beside HAProxy forwarding bare: the time of both counts, and no goal is set. */
export function compareAssisted(setting: SideSetting, options: ComparisonOptions): Promise<Comparison> {
  const ours = { name: 'headgate-haproxy-assisted', start: () => startHeadgate('haproxy', setting, 'assisted') };
  const bare = {
    name: 'bare-haproxy',
    figure: 'haproxy-assisted/of-bare',
    goal: null,
    start: () => startBareHaproxy(setting),
  };
  return compare({ ours, rivals: [bare] }, options);
}

/** The embedded engine beside the leanest bare Node proxy, and beside Envoy with identity, access and a log. */
export async function compareEmbedded(setting: SideSetting, options: ComparisonOptions): Promise<Comparison> {
  const ours = { name: 'headgate-embedded', start: () => startHeadgate('embedded', setting) };
  const bare = { name: 'bare-node', figure: 'embedded/of-bare-node', goal: 0.8, start: () => startBareNode(setting) };
  const envoy = { name: 'envoy', figure: 'embedded/over-envoy', goal: 1, start: () => startEnvoy(setting) };
  const hasEnvoy = isInstalled(envoyProgram);
  const compared = await compare({ ours, rivals: hasEnvoy ? [bare, envoy] : [bare] }, options);
  if (hasEnvoy) return compared;
  return { ...compared, notRun: [`${envoy.figure}: Envoy is missing (${envoyInstall})`] };
}

interface Field {
  readonly ours: Entrant;
  readonly rivals: readonly Rival[];
}

async function compare({ ours, rivals }: Field, options: ComparisonOptions): Promise<Comparison> {
  const { sides, failures } = await startAll([ours, ...rivals], options.log);
  const running = rivals.filter(({ name }) => sides.some((side) => side.name === name));
  const figures: Figure[] = [];
  try {
    for (const [turn, tokenCount] of options.tokenCounts.entries()) {
      options.log(`— ${tokenCount} token${tokenCount === 1 ? '' : 's'} —`);
      const costs = await measure(sides, { ...options, tokenCount, warmRuns: turn === 0 ? firstWarmRuns : 1 });
      figures.push(...figuresOf({ ours, rivals: running }, { costs, tokenCount, log: options.log }));
    }
  } catch (error) {
    // What was measured before stands.
    failures.push(error instanceof Error ? error.message : String(error));
  } finally {
    for (const side of sides) await side.process.stop();
  }
  return { figures, notRun: [], failures };
}

async function startAll(
  entrants: readonly Entrant[],
  log: (line: string) => void,
): Promise<{ readonly sides: readonly Side[]; readonly failures: string[] }> {
  const sides: Side[] = [];
  const failures: string[] = [];
  for (const { name, start } of entrants) {
    try {
      sides.push(await start());
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      log(`${name} didn't start`);
    }
  }
  return { sides, failures };
}

interface Measured {
  readonly costs: ReadonlyMap<string, readonly Cost[]>;
  readonly tokenCount: number;
  readonly log: (line: string) => void;
}

function figuresOf({ ours, rivals }: Field, { costs, tokenCount, log }: Measured): Figure[] {
  const mine = costs.get(ours.name) ?? [];
  if (mine.length === 0) return [];
  return rivals.map(({ name, figure, goal }) => {
    const aim = { name: `${figure}/${tokenCount}-token${tokenCount === 1 ? '' : 's'}`, goal };
    return figureOfCosts(
      aim,
      pairsThatCount({ other: costs.get(name) ?? [], ours: mine }, (line) => log(`${aim.name}: ${line}`)),
    );
  });
}

interface Pairs<T> {
  readonly other: readonly T[];
  readonly ours: readonly T[];
}

/** The pairs in which both sides had their core; where those are fewer than half, all, and it is said. */
function pairsThatCount(pairs: Pairs<Cost>, log: (line: string) => void): Pairs<number> {
  const wasBusy = (index: number): boolean =>
    [pairs.other[index], pairs.ours[index]].every((cost) => cost !== undefined && cost.busy >= busyShareMin);
  const busy = pairs.ours.map((_, index) => wasBusy(index));
  const few = busy.filter(Boolean).length * 2 < busy.length;
  if (few) log('in most rounds a side lacked its core, so all count: the machine was busy with something else');
  const micros = (costs: readonly Cost[]): number[] =>
    costs.filter((_, index) => few || busy[index]).map((cost) => cost.microsPerRequest);
  return { other: micros(pairs.other), ours: micros(pairs.ours) };
}
