import { CommanderError } from 'commander';
import { faultText } from '../fault-text.ts';
import { program } from '../program.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command within this process, as `main.ts` does. */
export async function runCli(...args: string[]): Promise<Ran> {
  let [code, out, err] = [0, '', ''];
  const terminal = {
    out(text: string) {
      out += text;
    },
    err(text: string) {
      err += text;
    },
    colour: false,
  };
  try {
    await program(terminal, (ended) => {
      code = ended;
    }).parseAsync(args, { from: 'user' });
  } catch (fault) {
    if (fault instanceof CommanderError) return { code: fault.exitCode === 0 ? 0 : 2, out, err };
    const told = faultText(fault);
    return { code: told.code, out, err: err + told.text };
  }
  return { code, out, err };
}
