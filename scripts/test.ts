import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { ensureExamples } from './examples.mjs';
import { ensureH2spec } from './h2spec.mjs';
import { ensureInterop } from './interop.mjs';
import { ensureSystemPackages } from './system-packages.mjs';
import { ensureTensorFlow } from './tensorflow.mjs';

/**
 * Everything that has to hold: types, lint, tests. Closes with `N passed, N failed` alone on a line.
 *   --engines embedded   leaves HAProxy out, and says so
 *   --without tensorflow leaves the real TensorFlow out, and says so; `promtool` leaves that out, `http2` h2spec and other people's
 *                        clients of HTTP/2; `interop` other people's gRPC; `examples` those in Python; several: tensorflow,promtool
 *   --update-goldens     writes the goldens anew: read the diff
 *   FILE…                only these test files, without types and lint
 */
const root = join(import.meta.dirname, '..');
const testGlobs = [
  'src/**/*.test.ts',
  'test/**/*.test.ts',
  'demo/**/*.test.ts',
  'bench/**/*.test.ts',
  'scripts/**/*.test.ts',
];
/** A file that hangs ends the run as a failure. */
const fileTimeoutMs = 900_000;
const engineNames = ['embedded', 'haproxy'];
const tensorFlowTests = 'test/tensorflow/';
const http2Tests = 'test/http2/';
const interopTests = 'test/interop/';
const exampleTests = 'test/examples/';
const promtoolTests = 'test/telemetry/promtool.test.ts';

interface Tally {
  passed: number;
  failed: number;
  /** Skipped by themselves, because an engine is left out. */
  notRun: number;
}

const { values, positionals } = parsed();
process.chdir(root);
const asked = enginesAsked(values.engines);
const without = withoutOf(values.without);
const { present, reasons } = asked === undefined ? presentEngines() : { present: asked, reasons: [] };
process.env.HEADGATE_ENGINES = present.join(',');
if (values['update-goldens']) process.env.HEADGATE_UPDATE_GOLDENS = '1';

const tally: Tally = { passed: 0, failed: 0, notRun: 0 };
if (positionals.length === 0) {
  runTool('types', 'tsc', ['--noEmit', '-p', '.']);
  runTool('lint', 'biome', ['check', '--error-on-warnings', '.']);
}
const left = engineNames.filter((name) => !present.includes(name));
const all = positionals.length > 0 ? positionals : globSync(testGlobs).toSorted();
const withTensorFlow = tensorFlowIsThere();
const withPromtool = promtoolIsThere();
const withHttp2Clients = http2ClientsAreThere();
const withInterop = interopIsThere();
const withExamples = examplesAreThere();
const files = all
  .filter((file) => !left.some((name) => needs(file, name)))
  .filter((file) => withTensorFlow || !file.startsWith(tensorFlowTests))
  .filter((file) => withPromtool || file !== promtoolTests)
  .filter((file) => withHttp2Clients || !file.startsWith(http2Tests))
  .filter((file) => withInterop || !file.startsWith(interopTests))
  .filter((file) => withExamples || !file.startsWith(exampleTests));
await runTests(files);
close();

function parsed() {
  try {
    return parseArgs({
      options: {
        engines: { type: 'string' },
        without: { type: 'string' },
        'update-goldens': { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
  } catch (fault) {
    console.error(fault instanceof Error ? fault.message : fault);
    process.exit(2);
  }
}

function withoutOf(text: string | undefined): readonly string[] {
  const names = text?.split(',') ?? [];
  const known = ['tensorflow', 'promtool', 'http2', 'interop', 'examples'];
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length === 0) return names;
  console.error(`--without knows ${known.join(', ')}, not ${strange.join(', ')}`);
  process.exit(2);
}

function enginesAsked(text: string | undefined): string[] | undefined {
  const names = text?.split(',');
  const strange = names?.filter((name) => !engineNames.includes(name)) ?? [];
  if (strange.length === 0) return names;
  console.error(`--engines knows ${engineNames.join(', ')}, not ${strange.join(', ')}`);
  process.exit(2);
}

/** Engines that run here: HAProxy gets installed where that can be done. */
function presentEngines(): { present: string[]; reasons: string[] } {
  const missing = ensureSystemPackages(['haproxy']);
  const present = engineNames.filter((name) => !missing.some((entry) => entry.name === name));
  return { present, reasons: missing.map(({ name, remedy }) => `${name} is missing; to install it: ${remedy}`) };
}

/** Sets up TensorFlow where a test to be run needs it, and tells the tests where it is. */
function tensorFlowIsThere(): boolean {
  if (without.includes('tensorflow')) return false;
  if (!all.some((file) => file.startsWith(tensorFlowTests))) return false;
  const { python, missing } = ensureTensorFlow();
  if (python !== undefined) process.env.HEADGATE_TENSORFLOW_PYTHON = python;
  else reasons.push(`${missing.name} is missing (${missing.why}); to install it: ${missing.remedy}`);
  return python !== undefined;
}

/** Sets up what is put to the HTTP/2 of our own where a test to be run needs it, and tells the tests where it is. */
function http2ClientsAreThere(): boolean {
  if (without.includes('http2') || !all.some((file) => file.startsWith(http2Tests))) return false;
  const packages = ensureSystemPackages(['h2load', 'curl']);
  const { program, missing } = ensureH2spec();
  if (program !== undefined) process.env.HEADGATE_H2SPEC = program;
  const lacking = missing === undefined ? packages : [...packages, missing];
  for (const { name, why, remedy } of lacking) reasons.push(`${name} is missing (${why}); to install it: ${remedy}`);
  return lacking.length === 0;
}

/** Sets up other people's gRPC where a test to be run needs it. */
function interopIsThere(): boolean {
  if (without.includes('interop') || !all.some((file) => file.startsWith(interopTests))) return false;
  const { missing } = ensureInterop();
  if (missing !== undefined) reasons.push(`interop is missing (${missing.why}); to install it: ${missing.remedy}`);
  return missing === undefined;
}

/** Sets up Python where the tests of examples are to be run, and tells them where it is. */
function examplesAreThere(): boolean {
  if (without.includes('examples') || !all.some((file) => file.startsWith(exampleTests))) return false;
  const { python, missing } = ensureExamples();
  if (python !== undefined) process.env.HEADGATE_EXAMPLES_PYTHON = python;
  else reasons.push(`examples is missing (${missing.why}); to install it: ${missing.remedy}`);
  return python !== undefined;
}

/** Installs Prometheus' tool where its test is to be run. */
function promtoolIsThere(): boolean {
  if (without.includes('promtool') || !all.includes(promtoolTests)) return false;
  const [missing] = ensureSystemPackages(['promtool']);
  if (missing !== undefined) reasons.push(`promtool is missing; to install it: ${missing.remedy}`);
  return missing === undefined;
}

/** Whether nothing in a test file can run without an engine; the others leave out its cases by themselves. */
function needs(file: string, engine: string): boolean {
  return file.startsWith(`src/engines/${engine}/`) || file.startsWith('test/conformance/differential/');
}

function runTool(title: string, program: string, args: readonly string[]): void {
  const { status } = spawnSync(join('tools/node_modules/.bin', program), args, { stdio: 'inherit' });
  console.log(`${status === 0 ? '✔' : '✖'} ${title} (${program})`);
  if (status === 0) tally.passed += 1;
  else tally.failed += 1;
}

async function runTests(files: string[]): Promise<void> {
  const stream = run({
    files,
    timeout: fileTimeoutMs,
    concurrency: Math.max(2, Math.floor(availableParallelism() / 2)),
  });
  stream.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    tally.passed += counts.passed;
    tally.failed += counts.tests - counts.passed - counts.skipped;
    tally.notRun += counts.skipped;
  });
  const report = stream.compose(new spec());
  for await (const text of report) process.stdout.write(text);
}

/** An engine that is missing is a failure of the run, unless the run asked to go without it. */
function close(): void {
  if (all.length > files.length) console.log(`not run: ${all.length - files.length} test files`);
  if (left.length > 0) console.log(`not run: every case of ${left.join(', ')}`);
  for (const reason of reasons) console.log(`not run: ${reason}`);
  const unexplained = left.length === 0 && tally.notRun > 0;
  if (unexplained) console.log(`not run: ${tally.notRun} tests were skipped, which none may be`);
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed === 0 && reasons.length === 0 && !unexplained ? 0 : 1;
}
