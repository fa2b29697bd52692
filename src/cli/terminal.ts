/** Where a command writes. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Everything else. */
  err(text: string): void;
  /** Whether `err` may be coloured. */
  readonly colour: boolean;
}

/** The process's own streams. Colours only where a person looks (https://no-color.org). */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  colour: process.stderr.isTTY === true && !process.env.NO_COLOR,
};

/** A reader that has gone (`headgate audit | head`) is no failure of ours. */
export function endWithReader(): void {
  process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'EPIPE') process.exit(0);
    throw fault;
  });
}
