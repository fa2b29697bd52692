// The one place that says which system packages Headgate asks for, and why. Plain JavaScript: it runs on Node 20 too.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * What can be asked for by name: the program that shows that it is there (or a look of its own), Debian's package, and what
 * it is for.
 */
export const systemPackages = {
  haproxy: { program: 'haproxy', debian: 'haproxy', why: 'the HAProxy engine runs it' },
  curl: { program: 'curl', debian: 'curl', why: 'test/http2 puts it to our HTTP/2 as a client' },
  h2load: {
    program: 'h2load',
    debian: 'nghttp2-client',
    why: 'the benchmark makes its gRPC load with it, and test/http2 puts it and nghttp to our HTTP/2 as clients',
  },
  nghttpd: { program: 'nghttpd', debian: 'nghttp2-server', why: 'the benchmark has its gRPC load answered by it' },
  promtool: {
    program: 'promtool',
    debian: 'prometheus',
    why: "a test has Prometheus' own tool check /metrics; its server is not started",
  },
  wrk: { program: 'wrk', debian: 'wrk', why: 'the benchmark makes its load with it' },
  python: {
    program: 'python3',
    debian: 'python3-venv',
    why: 'Python 3.11 to 3.13 with venv runs the real TensorFlow that the tests of test/tensorflow need',
    isThere: () => findPython() !== undefined,
  },
};

/** Where a program is, or undefined. Debian puts daemons into /usr/sbin, which is not on everybody's PATH. */
export function programPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** Versions of Python that the pinned packages are made for. */
const pythonProbe = 'import sys, venv; from ensurepip import version; print("%d.%d" % sys.version_info[:2])';
const pythonVersions = ['3.11', '3.12', '3.13'];

/** A Python that can make environments, with its version; the system's own where the first on PATH can't. */
export function findPython() {
  for (const program of [programPath('python3'), '/usr/bin/python3']) {
    if (program === undefined) continue;
    const { status, stdout } = spawnSync(program, ['-c', pythonProbe], { encoding: 'utf8' });
    const version = stdout?.trim();
    if (status === 0 && pythonVersions.includes(version)) return { program, version };
  }
  return undefined;
}

function isMissing(name) {
  const { program, isThere = () => programPath(program) !== undefined } = systemPackages[name];
  return !isThere();
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs what is missing of `names`, on Debian as root. Returns what is still missing, each with the command that
 * installs it: an empty list is success.
 */
export function ensureSystemPackages(names, say = console.log) {
  const missing = names.filter(isMissing);
  if (missing.length === 0) return [];
  const debianNames = missing.map((name) => systemPackages[name].debian);
  const command = `apt-get update && apt-get install --yes --no-install-recommends ${debianNames.join(' ')}`;
  if (canInstall()) {
    for (const name of missing) say(`setup: installing ${name} with apt-get (${systemPackages[name].why})`);
    run(command, say);
  }
  const still = missing.filter(isMissing);
  return still.map((name) => ({ name, why: systemPackages[name].why, remedy: remedy(command, debianNames) }));
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && programPath('apt-get') !== undefined;
}

function remedy(command, debianNames) {
  if (existsSync('/etc/debian_version')) return `sudo sh -c '${command}'`;
  return `install ${debianNames.join(' and ')} with your system's package manager, so that it is on PATH`;
}

/** Debian's postinst scripts must not start the daemon: engines are run by Headgate alone. */
function run(command, say) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const result = spawnSync('sh', ['-c', command], { env, encoding: 'utf8' });
  if (result.status !== 0) say(`setup: apt-get failed:\n${tail(`${result.stdout ?? ''}${result.stderr ?? ''}`)}`);
}

function tail(text) {
  return text.trim().split('\n').slice(-8).join('\n');
}
