// Sets up what a command needs. Plain JavaScript that runs on Node 20 with nothing installed; when nothing is to do, it
// compares two lock files and is gone.
//   node scripts/setup.mjs                          the packages of package-lock.json
//   node scripts/setup.mjs --with haproxy,wrk,tools,tensorflow,h2spec,interop,examples and these
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nodeMajorMin = 20;

await main(process.argv.slice(2));

async function main(args) {
  const parts = partsOf(args);
  const major = Number(process.versions.node.split('.')[0]);
  if (major < nodeMajorMin) fail(`Node ${nodeMajorMin} or later is needed to set up; this is ${process.versions.node}`);
  ensurePackages('.', 'libraries, and the Node that Headgate runs on');
  ensurePinnedNode();
  if (parts.has('tools')) ensurePackages('tools', 'type checker and linter');
  const needsTensorFlow = parts.delete('tensorflow');
  const needsH2spec = parts.delete('h2spec');
  const needsInterop = parts.delete('interop');
  const needsExamples = parts.delete('examples');
  parts.delete('tools');
  if (parts.size > 0) await ensureSystem([...parts]);
  if (needsTensorFlow) await ensureRealTensorFlow();
  if (needsH2spec) await ensureBuiltH2spec();
  if (needsInterop) await ensureInteropPrograms();
  if (needsExamples) await ensureExamplesPython();
}

/** `--with a,b` → a set. */
function partsOf(args) {
  if (args.length === 0) return new Set();
  if (args.length === 2 && args[0] === '--with') return new Set(args[1].split(',').filter((part) => part !== ''));
  return fail('usage: node scripts/setup.mjs [--with haproxy,wrk,tools,tensorflow,h2spec,interop,examples]', 2);
}

/** `npm ci` in a folder, unless what is installed is what its lock file says. */
function ensurePackages(folder, what) {
  if (isCurrent(join(root, folder))) return markSeen(join(root, folder));
  say(`installing ${what} (npm ci${folder === '.' ? '' : ` --prefix ${folder}`})`);
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], join(root, folder));
}

/** npm keeps a copy of the lock file of what it has installed: entries of other platforms may be absent there. */
function isCurrent(folder) {
  const installed = packagesOf(join(folder, 'node_modules', '.package-lock.json'));
  const wanted = packagesOf(join(folder, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    const found = installed[name];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** So that `./headgate`, which compares times alone, doesn't come here again for the same lock file. */
function markSeen(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (statSync(join(folder, 'package-lock.json')).mtimeMs < statSync(installed).mtimeMs) return;
  utimesSync(installed, new Date(), new Date());
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** The npm package `node` fetches its program in an install script; where scripts are off, that is done here. */
function ensurePinnedNode() {
  const folder = join(root, 'node_modules', 'node');
  const program = join(folder, 'bin', 'node');
  if (!existsSync(program)) {
    say('fetching the pinned Node (its install script did not run)');
    spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder, stdio: 'inherit' });
  }
  if (!existsSync(program)) fail(`the pinned Node is not at ${program}: remove node_modules and try again`);
}

async function ensureSystem(names) {
  const { ensureSystemPackages, systemPackages } = await import('./system-packages.mjs');
  const known = [...Object.keys(systemPackages), 'tools', 'tensorflow', 'h2spec', 'interop', 'examples'];
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length > 0) fail(`--with knows ${known.join(', ')}, not ${strange.join(', ')}`, 2);
  const missing = ensureSystemPackages(names, (line) => console.log(line));
  failMissing(missing);
}

async function ensureRealTensorFlow() {
  const { ensureTensorFlow } = await import('./tensorflow.mjs');
  const { missing, python } = ensureTensorFlow((line) => console.log(line));
  failMissing(missing === undefined ? [] : [missing]);
  say(`TensorFlow is there for ${python}`);
}

async function ensureBuiltH2spec() {
  const { ensureH2spec } = await import('./h2spec.mjs');
  const { missing, program } = ensureH2spec((line) => console.log(line));
  failMissing(missing === undefined ? [] : [missing]);
  say(`h2spec is at ${program}`);
}

async function ensureInteropPrograms() {
  const { ensureInterop } = await import('./interop.mjs');
  const { missing, client, python } = ensureInterop((line) => console.log(line));
  failMissing(missing === undefined ? [] : [missing]);
  say(`grpc-go's interop client is at ${client}, grpcio is there for ${python}`);
}

async function ensureExamplesPython() {
  const { ensureExamples } = await import('./examples.mjs');
  const { missing, python } = ensureExamples((line) => console.log(line));
  failMissing(missing === undefined ? [] : [missing]);
  say(`what the examples import is there for ${python}`);
}

function failMissing(missing) {
  for (const { name, why, remedy } of missing) console.error(`setup: ${name} is missing (${why}). Run: ${remedy}`);
  if (missing.length > 0) process.exit(1);
}

function npm(args, cwd) {
  const result = spawnSync('npm', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) fail(`npm could not be run: ${result.error.message}`);
  if (result.status !== 0) fail(`npm ${args[0]} failed in ${cwd}; its message stands above`);
}

function say(line) {
  console.log(`setup: ${line}`);
}

function fail(message, code = 1) {
  console.error(`setup: ${message}`);
  process.exit(code);
}
