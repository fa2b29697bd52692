// Sets up h2spec, which puts the cases of RFC 9113 and RFC 7541 to a server, for the tests of test/http2: a Go program, built once
// outside the working tree and shared by every clone. Nothing else needs it. Plain JavaScript: it runs on Node 20 too.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from './system-packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Its version and those of what it is made of, with their hashes. */
const pinned = ['go.mod', 'go.sum'].map((name) => join(root, 'test', 'http2', 'h2spec', name));
const goModule = 'github.com/summerwind/h2spec/cmd/h2spec';
const buildMsMax = 600_000;
const remedy = 'node scripts/setup.mjs --with h2spec';

/** Where h2spec is, built first where that can be done: `{ program }`, or `{ missing }` with the command that installs it. */
export function ensureH2spec(say = console.log) {
  const place = builtPlace();
  const program = join(place, 'h2spec');
  if (existsSync(program)) return { program };
  const go = programPath('go') ?? ['/usr/local/go/bin/go'].find((path) => existsSync(path));
  const why =
    go === undefined ? 'Go 1.19 or later builds it, and is not here (https://go.dev/dl)' : build(go, place, say);
  return why === undefined ? { program } : { missing: { name: 'h2spec', why, remedy } };
}

/** Named by what is built. */
function builtPlace() {
  const name = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of pinned) name.update(readFileSync(file));
  return join(cacheFolder(), `h2spec-${name.digest('hex').slice(0, 12)}`);
}

function cacheFolder() {
  if (process.env.HEADGATE_CACHE) return process.env.HEADGATE_CACHE;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'headgate');
}

/** Built beside its place and moved there whole; Go's own caches are there too, and go with it. Returns why it failed. */
function build(go, place, say) {
  say(`setup: building h2spec with Go into ${place}`);
  say(
    'setup:   for test/http2 alone; a few MB are fetched as Go modules, 9 MB on disk, once. The folder can be deleted at any time',
  );
  const draft = `${place}.${process.pid}`;
  try {
    mkdirSync(draft, { recursive: true });
    for (const file of pinned) copyFileSync(file, join(draft, file.endsWith('go.mod') ? 'go.mod' : 'go.sum'));
    const env = {
      ...process.env,
      ...{ GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' },
      ...{ GOMODCACHE: join(draft, 'modules'), GOCACHE: join(draft, 'cache') },
    };
    const result = spawnSync(go, ['build', '-o', 'h2spec', goModule], {
      cwd: draft,
      env,
      encoding: 'utf8',
      timeout: buildMsMax,
    });
    if (result.status !== 0) return `go build failed: ${result.error?.message ?? tail(result.stderr)}`;
    for (const name of ['modules', 'cache']) rmSync(join(draft, name), { recursive: true, force: true });
    return moved(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Where another run was faster, its build is as good. */
function moved(draft, place) {
  try {
    renameSync(draft, place);
  } catch (fault) {
    if (!existsSync(place)) throw fault;
  }
  return undefined;
}

function tail(text) {
  return text.trim().split('\n').slice(-8).join('\n');
}
