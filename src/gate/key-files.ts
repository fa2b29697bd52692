import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes the folder where it isn't there; only its owner may look into it. */
export async function makeKeyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/**
 * Text of a key file. Where there is none, `make` is called and its text becomes the file, whole or not at all: of several
 * that start at once one wins, and all read what the winner wrote. Rejects where others than the owner may read the file.
 */
export async function readOrMakeKeyFile(file: string, make: () => string): Promise<string> {
  const found = await readKeyFile(file);
  if (found !== undefined) return found;
  await makeKeyFile(file, make());
  const made = await readKeyFile(file);
  if (made === undefined) throw new Error(`key file ${file} was removed while it was made`);
  return made;
}

/** Undefined where there is no such file. */
export async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0)
      throw new Error(`key file ${file} can be read by others; allow its owner alone: chmod 600`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined;
    throw cause;
  }
}

/** `link` is what makes it atomic: it never replaces a file. */
async function makeKeyFile(file: string, text: string): Promise<void> {
  const draft = join(file, '..', `.draft-${randomBytes(9).toString('hex')}`);
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(draft, file);
  } catch (cause) {
    if (!isCode(cause, 'EEXIST')) throw cause;
  } finally {
    await handle.close();
    await unlink(draft);
  }
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
