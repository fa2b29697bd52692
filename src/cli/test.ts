import { writeFile } from 'node:fs/promises';
import { messageOf } from '../control/index.ts';
import { type Diagnostic, renderJson } from '../diagnostics/index.ts';
import { coverageOf, type TestRun, tryTests } from '../trials/index.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { showDiagnostics } from './files.ts';
import { rerun } from './rerun.ts';
import type { Terminal } from './terminal.ts';
import { filesToWatch, type ReadTests, readTestFiles, type TestPlaces, testPlaces } from './test-files.ts';
import { junitXml, testShape } from './test-report.ts';
import { testText } from './test-text.ts';
import { UsageError } from './usage-error.ts';

export interface TestOptions {
  readonly policy: string;
  /** Default: `headgate.test.yaml` beside the policy. */
  readonly tests?: string;
  readonly json?: boolean;
  readonly junit?: string;
  /** Percent. */
  readonly minCoverage?: string;
  readonly watch?: boolean;
}

/** `headgate test`: puts the tests beside the policy to the decider. */
export async function test(options: TestOptions, terminal: Terminal, signal?: AbortSignal): Promise<ExitCode> {
  const minPercent = percentOf(options.minCoverage);
  const places = testPlaces(options.policy, options.tests);
  const once = (): Promise<ExitCode> => testOnce({ options, places, minPercent }, terminal);
  if (!options.watch) return once();
  return rerun({ files: () => filesToWatch(places), once, terminal, ...(signal && { signal }) });
}

interface Asked {
  readonly options: TestOptions;
  readonly places: TestPlaces;
  readonly minPercent: number;
}

async function testOnce({ options, places, minPercent }: Asked, terminal: Terminal): Promise<ExitCode> {
  const read = await readTestFiles(places);
  const { run, diagnostics } = tried(read);
  if (options.json) {
    const shape = run === undefined ? {} : testShape(run, minPercent);
    terminal.out(`${JSON.stringify({ diagnostics: JSON.parse(renderJson(diagnostics)), ...shape }, null, 2)}\n`);
  } else {
    showDiagnostics({ diagnostics, sources: read.sources }, terminal);
    if (run !== undefined) terminal.out(testText(run, minPercent));
  }
  if (run === undefined) return exitCodes.no;
  if (options.junit !== undefined) await writeReport(options.junit, junitXml(run));
  const passed = run.tests.every((each) => each.passed) && coverageOf(run).percent >= minPercent;
  return passed ? exitCodes.ok : exitCodes.no;
}

function tried(read: ReadTests): { readonly run: TestRun | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const { policy, tests, environments, diagnostics } = read;
  const broken = diagnostics.some(({ severity }) => severity === 'error');
  if (policy === undefined || tests === undefined || broken) return { run: undefined, diagnostics };
  const checked = tryTests({ policy, tests, environments });
  return { run: checked.value, diagnostics: [...diagnostics, ...checked.diagnostics] };
}

async function writeReport(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause) => {
    throw new UsageError(`can't write ${file}: ${messageOf(cause)}`, '--junit names a file in a folder that is there');
  });
}

function percentOf(text = '0'): number {
  const percent = /^[0-9]{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : Number.NaN;
  if (percent <= 100) return percent;
  throw new UsageError(`--min-coverage ${text} is not a percentage`, 'a whole number from 0 to 100');
}
