// Builds Go programs of pinned modules for tests, once. Plain JavaScript: it runs on Node 20 too.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cachedPlace, madeWhole, tail } from './cache-folder.mjs';
import { programPath } from './system-packages.mjs';

/** On a slow machine; grpc-go's client takes 50 s on two cores. */
const buildMsMax = 600_000;

/**
 * Where these programs are, built first where that can be done: `{ folder }`, or `{ missing }` with the command that installs them.
 *   name       of the part, in messages and in `setup.mjs --with`
 *   pinned     folder with its go.mod and go.sum: versions of everything, with their hashes
 *   programs   name of each program → its Go package
 *   goMin      what its go.mod asks for
 *   about      what it is for and what it takes, in a sentence
 */
export function ensureGoPrograms(wanted, say) {
  const { name, pinned, programs, goMin } = wanted;
  const files = ['go.mod', 'go.sum'].map((file) => join(pinned, file));
  const place = cachedPlace(name, files);
  if (Object.keys(programs).every((program) => existsSync(join(place, program)))) return { folder: place };
  const go = programPath('go') ?? ['/usr/local/go/bin/go'].find((path) => existsSync(path));
  const why =
    go === undefined
      ? `Go ${goMin} or later builds it, and is not here (https://go.dev/dl)`
      : build(go, { ...wanted, place, files }, say);
  if (why === undefined) return { folder: place };
  return { missing: { name, why, remedy: `node scripts/setup.mjs --with ${name}` } };
}

/** Go's own caches are made beside what is built, and go again. Returns why it failed. */
function build(go, { name, programs, about, place, files }, say) {
  say(`setup: building ${name} with Go into ${place}`);
  say(`setup:   ${about} The folder can be deleted at any time`);
  return madeWhole(place, (draft) => {
    mkdirSync(draft, { recursive: true });
    for (const file of files) copyFileSync(file, join(draft, file.endsWith('go.mod') ? 'go.mod' : 'go.sum'));
    const env = {
      ...process.env,
      ...{ GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local', GOWORK: 'off', CGO_ENABLED: '0' },
      ...{ GOMODCACHE: join(draft, 'modules'), GOCACHE: join(draft, 'cache') },
    };
    for (const [program, goPackage] of Object.entries(programs)) {
      const words = ['build', '-ldflags', '-s -w', '-o', program, goPackage];
      const result = spawnSync(go, words, { cwd: draft, env, encoding: 'utf8', timeout: buildMsMax });
      if (result.status !== 0) return `go build failed: ${result.error?.message ?? tail(result.stderr)}`;
    }
    for (const folder of ['modules', 'cache']) rmSync(join(draft, folder), { recursive: true, force: true });
    return undefined;
  });
}
