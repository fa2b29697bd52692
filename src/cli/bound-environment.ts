import { readFile } from 'node:fs/promises';
import { messageOf, systemCode } from '../control/index.ts';
import { renderTerminal } from '../diagnostics/index.ts';
import { type Environment, parseEnvironment } from '../policy/index.ts';
import { environmentFile } from './files.ts';
import { UsageError } from './usage-error.ts';

/** The environment file alone, for commands that ask a gateway at work: its policy may be under repair. */
export async function boundEnvironment(named: string): Promise<Environment> {
  const file = environmentFile(named);
  const text = await readFile(file, 'utf8').catch((cause) => {
    const why = systemCode(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause);
    throw new UsageError(`can't read the environment ${file}: ${why}`, '--environment names it');
  });
  const { value, diagnostics } = parseEnvironment(text, file);
  if (value !== undefined) return value;
  throw new UsageError(
    `the environment ${file} has errors\n${renderTerminal(diagnostics, { sources: new Map([[file, text]]) })}`,
  );
}
