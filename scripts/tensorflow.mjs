// Sets up the real TensorFlow for the tests of test/tensorflow: a Python environment outside the working tree, made once and
// shared by every clone. Nothing else needs it, and `npm start` never comes here. Plain JavaScript: it runs on Node 20 too.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureSystemPackages, findPython } from './system-packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const requirements = join(root, 'test', 'tensorflow', 'python', 'requirements.txt');
/** What an environment takes while it is made: 1.4 GB, and 0.3 GB of packages that pip unpacks. */
const diskBytesMin = 2_500_000_000;
/** On a slow line; 20 s on a fast one. */
const installMsMax = 900_000;
const remedy = 'node scripts/setup.mjs --with tensorflow';

/**
 * The Python that has TensorFlow, made first where that can be done: `{ python }`, or `{ missing }` with the command that
 * installs what is missing.
 */
export function ensureTensorFlow(say = console.log) {
  const [python] = ensureSystemPackages(['python'], say);
  if (python !== undefined) return { missing: { name: 'tensorflow', why: python.why, remedy: python.remedy } };
  const system = findPython();
  const place = environmentPlace(system);
  const program = join(place, 'bin', 'python');
  if (existsSync(program)) return { python: program };
  const why = make(system, place, say);
  return why === undefined ? { python: program } : { missing: { name: 'tensorflow', why, remedy } };
}

/** Named by what is in it, so that another list of packages or another Python gets an environment of its own. */
function environmentPlace({ version }) {
  const name = createHash('sha256')
    .update(`${version} ${process.platform} ${process.arch}\n`)
    .update(readFileSync(requirements))
    .digest('hex');
  return join(cacheFolder(), `tensorflow-${name.slice(0, 12)}`);
}

function cacheFolder() {
  if (process.env.HEADGATE_CACHE) return process.env.HEADGATE_CACHE;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'headgate');
}

/** Made beside its place and moved there whole, so that half an environment is never found. Returns why it failed. */
function make(system, place, say) {
  mkdirSync(dirname(place), { recursive: true });
  const free = freeBytes(dirname(place));
  if (free < diskBytesMin)
    return `${dirname(place)} has ${gigabytes(free)} free, ${gigabytes(diskBytesMin)} are needed`;
  say(`setup: installing TensorFlow's runtime and TensorFlow Serving's stubs with pip into ${place}`);
  say(
    'setup:   for test/tensorflow alone; 0.3 GB are fetched, 1.4 GB on disk, once. The folder can be deleted at any time',
  );
  const draft = `${place}.${process.pid}`;
  try {
    return (
      run(system.program, ['-m', 'venv', draft]) ?? run(join(draft, 'bin', 'python'), pipInstall) ?? moved(draft, place)
    );
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Wheels only: nothing of a package is run to install it. Python compiles what it imports, on first use. */
const pipInstall = [
  ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
  ...['--no-deps', '--no-compile', '--only-binary=:all:', '--requirement', requirements],
];

/** Where another run was faster, its environment is as good. */
function moved(draft, place) {
  try {
    renameSync(draft, place);
  } catch (fault) {
    if (!existsSync(place)) throw fault;
  }
  return undefined;
}

function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Why a program failed, or undefined. */
function run(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', timeout: installMsMax });
  if (result.status === 0) return undefined;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
  return `${program} ${args.slice(0, 3).join(' ')} failed: ${result.error?.message ?? said}`;
}
