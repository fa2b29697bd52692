import { readFileSync, statSync } from 'node:fs';
import { Secret } from './secret.ts';

/** Longest secret. Bytes. */
export const secretBytesMax = 64 * 1024;

export interface SecretFault {
  /** A sentence that holds the reference, never the secret. */
  readonly fault: string;
}

export interface SecretPlace {
  /** Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The secret behind a reference: `env:NAME` or `file:PATH` (against the folder of the command). One line break at its end, as
 * editors and `echo` leave it, is no part of it. A literal is never taken for a secret.
 */
export function resolveSecret(reference: string, place: SecretPlace = {}): Secret<string> | SecretFault {
  const [, kind, rest = ''] = /^(env|file|store):(.*)$/s.exec(reference) ?? [];
  switch (kind) {
    case 'env':
      return fromEnvironment(rest, place.environment ?? process.env);
    case 'file':
      return fromFile(rest);
    case 'store':
      return { fault: 'secret stores come with a later version; refer to the secret by `env:NAME` or `file:PATH`' };
    default:
      // What was written may be the secret itself.
      return { fault: 'a secret is written out where a reference belongs: `env:NAME` or `file:PATH`' };
  }
}

function fromEnvironment(
  variable: string,
  environment: Readonly<Record<string, string | undefined>>,
): Secret<string> | SecretFault {
  if (!name.test(variable))
    return { fault: '`env:` is followed by the name of a variable, such as `env:PREFECT_AUTH`' };
  const value = environment[variable];
  if (value === undefined) return { fault: `the variable ${variable} is not set` };
  return secretOf(value, `the variable ${variable}`);
}

function fromFile(path: string): Secret<string> | SecretFault {
  if (path === '') return { fault: '`file:` is followed by the path of a file' };
  try {
    const found = statSync(path);
    if (!found.isFile()) return { fault: `${path} is not a file` };
    if (found.size > secretBytesMax) return { fault: `${path} is larger than ${secretBytesMax} bytes` };
    return secretOf(readFileSync(path, 'utf8'), `the file ${path}`);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    return { fault: `the file ${path} can't be read: ${code}` };
  }
}

function secretOf(written: string, where: string): Secret<string> | SecretFault {
  const value = written.replace(/\r?\n$/, '');
  if (value === '') return { fault: `${where} is empty` };
  if (/[\0\r\n]/.test(value)) return { fault: `${where} holds more than one line` };
  return new Secret(value);
}
