// Makes environments of Python with pinned packages for tests, once. Plain JavaScript: it runs on Node 20 too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cachedPlace, madeWhole, tail } from './cache-folder.mjs';
import { ensureSystemPackages, findPython } from './system-packages.mjs';

/** On a slow line; TensorFlow takes 20 s on a fast one. */
const installMsMax = 900_000;

/**
 * The Python that has these packages, made first where that can be done: `{ python }`, or `{ missing }` with the command that
 * installs what is missing.
 *   name           of the part, in messages and in `setup.mjs --with`
 *   requirements   file with every package and its version: pip resolves nothing (--no-deps)
 *   diskBytesMin   what has to be free while it is made
 *   about          lines that say what is installed and what it takes
 */
export function ensurePythonPackages({ name, requirements, diskBytesMin, about }, say) {
  const [python] = ensureSystemPackages(['python'], say);
  if (python !== undefined) return { missing: { name, why: python.why, remedy: python.remedy } };
  const system = findPython();
  const place = cachedPlace(name, [requirements], `${system.version} `);
  const program = join(place, 'bin', 'python');
  if (existsSync(program)) return { python: program };
  mkdirSync(dirname(place), { recursive: true });
  const free = freeBytes(dirname(place));
  const why =
    free < diskBytesMin
      ? `${dirname(place)} has ${gigabytes(free)} free, ${gigabytes(diskBytesMin)} are needed`
      : make(system.program, { place, requirements, about }, say);
  if (why === undefined) return { python: program };
  return { missing: { name, why, remedy: `node scripts/setup.mjs --with ${name}` } };
}

function make(system, { place, requirements, about: [what, ...more] }, say) {
  say(`setup: installing ${what} with pip into ${place}`);
  for (const line of more) say(`setup:   ${line}`);
  return madeWhole(
    place,
    (draft) =>
      run(system, ['-m', 'venv', draft]) ??
      run(join(draft, 'bin', 'python'), [...pipInstall, '--requirement', requirements]),
  );
}

/** Wheels only: nothing of a package is run to install it. Python compiles what it imports, on first use. */
const pipInstall = [
  ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
  ...['--no-deps', '--no-compile', '--only-binary=:all:'],
];

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
  const said = tail(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  return `${program} ${args.slice(0, 3).join(' ')} failed: ${result.error?.message ?? said}`;
}
