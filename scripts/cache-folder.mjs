// Where set-up keeps what it makes for tests: outside the working tree, shared by every clone. Plain JavaScript: it runs on Node 20 too.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** `<cache>/<name>-<hash>`, named by what is in it, so that other pinned files get a folder of their own. */
export function cachedPlace(name, pinnedFiles, more = '') {
  const hash = createHash('sha256').update(`${more}${process.platform} ${process.arch}\n`);
  for (const file of pinnedFiles) hash.update(readFileSync(file));
  return join(cacheFolder(), `${name}-${hash.digest('hex').slice(0, 12)}`);
}

function cacheFolder() {
  if (process.env.HEADGATE_CACHE) return process.env.HEADGATE_CACHE;
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'headgate');
}

/**
 * Lets `make(draft)` fill a folder beside the place and moves it there whole, so that half of one is never found. Returns why
 * `make` failed, or undefined.
 */
export function madeWhole(place, make) {
  mkdirSync(dirname(place), { recursive: true });
  const draft = `${place}.${process.pid}`;
  try {
    return make(draft) ?? moved(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Where another run was faster, what it made is as good. */
function moved(draft, place) {
  try {
    renameSync(draft, place);
  } catch (fault) {
    if (!existsSync(place)) throw fault;
  }
  return undefined;
}

/** The last lines of what a program said. */
export function tail(text) {
  return text.trim().split('\n').slice(-8).join('\n');
}
