import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareCalls } from './calls.ts';
import { compareAssisted, compareEmbedded, compareHaproxy } from './comparisons.ts';
import { measureCompiling } from './compiling.ts';
import { measureDeciding } from './deciding.ts';
import { type Figure, figureOfCosts } from './figures.ts';
import { compareGrpc } from './grpc.ts';
import { needsLacking } from './needs.ts';
import { renderFigures } from './render.ts';
import { startUpstream } from './sides/haproxy.ts';
import { startIssuer } from './tokens.ts';

const manyTokens = 10_000;

interface Length {
  readonly rounds: number;
  readonly seconds: number;
  readonly decisions: number;
}

const full: Length = { rounds: 5, seconds: 2, decisions: 400_000 };
const quick: Length = { rounds: 2, seconds: 1, decisions: 100_000 };

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, only: { type: 'string', multiple: true } },
});
const log = (line: string): void => void process.stderr.write(`${line}\n`);
process.exitCode = await run(
  values.quick ? quick : full,
  values.only ?? ['haproxy', 'assisted', 'embedded', 'grpc', 'grpc-calls', 'deciding', 'compiling'],
);

async function run(length: Length, wanted: readonly string[]): Promise<number> {
  const figures: Figure[] = [];
  const notRun: string[] = [];
  const failures: string[] = [];
  if (wanted.includes('deciding')) figures.push(...deciding(length));
  if (wanted.includes('compiling')) figures.push(...compiling(length));
  if (['haproxy', 'assisted', 'embedded', 'grpc', 'grpc-calls'].some((name) => wanted.includes(name)))
    await proxies({ length, wanted, figures, notRun, failures });
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : renderFigures(figures));
  for (const line of [...notRun, ...failures]) log(`not run: ${line}`);
  return figures.length > 0 && failures.length === 0 ? 0 : 1;
}

function deciding({ rounds, decisions }: Length): Figure[] {
  return (['known', 'new'] as const).map((callers) => {
    const { few, many } = measureDeciding({ rounds, decisions, callers });
    const nanos = (costs: readonly number[]): string => costs.map((cost) => cost.toFixed(0)).join(', ');
    log(`deciding, ${callers} callers: 10 rules ${nanos(few)} ns; 10,000 rules ${nanos(many)} ns`);
    return figureOfCosts({ name: `deciding/10000-rules/${callers}-callers`, goal: 0.833 }, { other: few, ours: many });
  });
}

/** How often the YAML of a policy could be parsed while it is compiled, and while it goes from text to Plan. */
function compiling({ rounds }: Length): Figure[] {
  const { yaml, compile, whole } = measureCompiling(rounds);
  const millis = (costs: readonly number[]): string => costs.map((cost) => cost.toFixed(0)).join(', ');
  log(
    `10,000 rules × 1,000 models: YAML ${millis(yaml)} ms; compile ${millis(compile)} ms; text to Plan ${millis(whole)} ms`,
  );
  const of = (name: string, goal: number | null, ours: readonly number[]): Figure =>
    figureOfCosts({ name: `compiling/10000-rules/${name}`, goal }, { other: yaml, ours });
  return [of('of-yaml', 1, compile), of('text-to-plan-of-yaml', null, whole)];
}

interface ProxiesOptions {
  readonly length: Length;
  readonly wanted: readonly string[];
  readonly figures: Figure[];
  readonly notRun: string[];
  readonly failures: string[];
}

async function proxies({ length, wanted, figures, notRun, failures }: ProxiesOptions): Promise<void> {
  const missing = needsLacking();
  if (missing.length > 0) {
    failures.push(...missing);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'));
  const issuer = await startIssuer();
  const upstream = await startUpstream(folder);
  try {
    const tokens = issuer.writeTokens(folder, manyTokens);
    const setting = { folder, upstreamPort: upstream.port, issuer, token: tokens.first };
    for (const [name, compare] of [
      ['haproxy', compareHaproxy],
      ['assisted', compareAssisted],
      ['embedded', compareEmbedded],
    ] as const) {
      if (!wanted.includes(name)) continue;
      const compared = await compare(setting, { ...length, tokens, tokenCounts: [1, manyTokens], log });
      figures.push(...compared.figures);
      notRun.push(...compared.notRun);
      failures.push(...compared.failures);
    }
    for (const [name, compare] of [
      ['grpc', compareGrpc],
      ['grpc-calls', compareCalls],
    ] as const) {
      if (!wanted.includes(name)) continue;
      const compared = await compare(setting, { ...length, tokens, log });
      figures.push(...compared.figures);
      notRun.push(...compared.notRun);
      failures.push(...compared.failures);
    }
  } finally {
    await upstream.process.stop();
    issuer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
