import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The style is a unit test: whatever of the house rules a machine can check stands here, with the remedy in its message. */
const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Which room may import which. `engines` may import `engines/engine.ts` and its own folder, never another engine. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  std: [],
  diagnostics: ['std'],
  wire: ['std'],
  http2: ['std'],
  policy: ['diagnostics', 'std'],
  plan: ['std'],
  protocols: ['plan', 'wire', 'gate:types', 'std'],
  decision: ['plan', 'protocols:types', 'identity:types', 'diagnostics:types', 'std'],
  compile: ['policy', 'plan', 'protocols', 'decision', 'diagnostics', 'wire', 'std'],
  trials: ['policy', 'compile', 'plan', 'protocols', 'decision', 'identity:types', 'diagnostics', 'std'],
  identity: ['plan', 'grants', 'wire', 'telemetry', 'gate:types', 'std'],
  grants: ['plan', 'std'],
  store: ['grants', 'audit', 'std'],
  audit: ['plan', 'gate:types', 'std'],
  telemetry: ['audit:types', 'std'],
  gate: ['plan', 'protocols', 'identity', 'grants', 'decision', 'telemetry', 'wire', 'std'],
  traffic: ['plan', 'std'],
  engines: [
    'plan',
    'gate',
    'traffic',
    'wire',
    'http2',
    'audit',
    'protocols',
    'identity:types',
    'decision:types',
    'store',
    'diagnostics',
    'telemetry',
    'std',
  ],
  control: [
    'policy',
    'compile',
    'plan',
    'protocols',
    'identity',
    'decision',
    'gate',
    'grants',
    'store',
    'audit',
    'telemetry',
    'traffic',
    'engines',
    'diagnostics',
    'wire',
    'http2',
    'std',
  ],
  cli: [
    'control',
    'policy',
    'compile',
    'plan',
    'protocols',
    'identity',
    'decision',
    'trials',
    'gate',
    'grants',
    'store',
    'audit',
    'telemetry',
    'engines',
    'diagnostics',
    'std',
  ],
};

const sources = filesUnder('src', 'test', 'demo', 'bench', 'scripts').filter((file) => /\.(ts|mjs)$/.test(file));

function filesUnder(...folders: string[]): string[] {
  return folders.flatMap((folder) => {
    const entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    const inside = entries.map((entry) => join(folder, entry));
    return inside.filter((file) => !file.includes('node_modules') && statSync(join(root, file)).isFile());
  });
}

function text(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Relative imports of a file, as paths from the root. */
function importsOf(file: string): Import[] {
  const found: Import[] = [];
  for (const match of text(file).matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+'(\.[^']+)'/gms)) {
    const to = relative(root, join(root, dirname(file), match[2] ?? ''));
    found.push({ from: file, to, typeOnly: match[1] !== undefined });
  }
  return found;
}

function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1];
}

function engineOf(file: string): string | undefined {
  return /^src\/engines\/([^/]+)\//.exec(file)?.[1];
}

/** Why an import breaks the table, or undefined where it doesn't. */
function breach({ from, to, typeOnly }: Import): string | undefined {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (room === undefined || target === undefined) return undefined;
  if (room === target) return engineBreach(from, to);
  const allowed = mayImport[room];
  if (allowed === undefined) return `room ${room} is not in the table of test/tidy.test.ts and ARCHITECTURE.md`;
  if (allowed.includes(target)) return undefined;
  if (allowed.includes(`${target}:types`) && typeOnly) return undefined;
  return `${from} imports ${to}: ${room} may not import ${target}${typeOnly ? '' : ' at run time'} (see ARCHITECTURE.md)`;
}

function engineBreach(from: string, to: string): string | undefined {
  const [mine, theirs] = [engineOf(from), engineOf(to)];
  if (mine === undefined || theirs === undefined || mine === theirs) return undefined;
  return `${from} imports ${to}: an engine never imports another`;
}

const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('/testing/');

test('rooms import only what ARCHITECTURE.md allows them', () => {
  const breaches = sources
    .filter((file) => !isTest(file))
    .flatMap(importsOf)
    .map(breach)
    .filter((why) => why !== undefined);
  assert.deepEqual(breaches, []);
});

test('a room is entered by its index.ts or a file of contracts', () => {
  const contracts = /\/(index|types|engine|limits|clock|secret|denials|headers|cel|exit-codes|[a-z-]+\.test)\.ts$/;
  const late = sources
    .filter((file) => !isTest(file))
    .flatMap(importsOf)
    .filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      return target !== undefined && target !== 'std' && room !== target && !contracts.test(to);
    });
  assert.deepEqual(
    late.map(({ from, to }) => `${from} → ${to}: export it from the room's index.ts`),
    [],
  );
});

test('only the gate issues permits', () => {
  const others = sources.filter((file) => !file.startsWith('src/gate/') && file !== 'test/tidy.test.ts');
  const issuing = others.filter((file) => /\bissuePermit\b/.test(text(file)));
  assert.deepEqual(issuing, [], 'a Permit is made by src/gate alone: ask check() for one');
});

test('no file is over 500 lines', () => {
  const long = sources.filter((file) => text(file).split('\n').length > 500);
  assert.deepEqual(long, [], 'split it by subject');
});

test('no namespace and no enum in sources (Biome forbids `any`)', () => {
  const pattern = /^\s*(?:export\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+\s*\{/m;
  const found = sources.filter((file) => file !== 'test/tidy.test.ts' && pattern.test(text(file)));
  assert.deepEqual(found, [], 'types are stripped, not compiled: use unions and modules');
});

test('every test runs, and nothing is left open in a comment', () => {
  const skipped = sources.filter((file) =>
    /\b(?:test|it|describe)\.(?:skip|todo|only)\b|\{\s*(?:skip|todo|only):/.test(text(file)),
  );
  const open = sources.filter((file) => file !== 'test/tidy.test.ts' && /\b(?:TODO|FIXME|XXX)\b/.test(text(file)));
  assert.deepEqual({ skipped, open }, { skipped: [], open: [] }, 'finish it, or write it into the docs');
});

test('what a set-up opens is closed as a stack', () => {
  const pattern = /^ *after(?:Each)?\(async \(\) => \{$/m;
  const found = sources.filter((file) => file.endsWith('.test.ts') && pattern.test(text(file)));
  const remedy =
    'one that is missing, or fails to close, leaves the rest open: use openedHere of test/support/opened.ts';
  assert.deepEqual(found, [], remedy);
});

test('files are kebab-case and a test stands beside what it tests', () => {
  const odd = sources.filter((file) => !/^[a-z0-9/.-]+$/.test(file));
  assert.deepEqual(odd, []);
  const tests = sources.filter((file) => file.startsWith('src/') && file.endsWith('.test.ts'));
  const alone = tests.filter((file) => {
    const [folder, name] = [dirname(file), basename(file, '.test.ts')];
    const beside = sources
      .filter((other) => dirname(other) === folder && !isTest(other))
      .map((other) => basename(other, '.ts'));
    return !beside.some((other) => other === name || other.startsWith(`${name}-`) || name.startsWith(`${other}-`));
  });
  assert.deepEqual(alone, [], 'x.test.ts sits beside x.ts (or x-y.test.ts, for one aspect of x.ts)');
});

test('every runtime dependency has its line in docs/dependencies.md', () => {
  const manifest: unknown = JSON.parse(text('package.json'));
  assert.ok(typeof manifest === 'object' && manifest !== null && 'dependencies' in manifest);
  const names = Object.keys(manifest.dependencies as Record<string, string>);
  const listed = text('docs/dependencies.md');
  assert.deepEqual(
    names.filter((name) => !listed.includes(`\`${name}\``)),
    [],
  );
});
