import type { TopLine } from './top-frame.ts';

/** A terminal that frames are shown on. */
export interface TopScreen {
  readonly columns: number;
  readonly rows: number;
  show(lines: readonly TopLine[]): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

export interface ScreenEvents {
  readonly onResize: () => void;
  /** `q`, Ctrl-C, a signal, or the end of what is typed. */
  readonly onEnd: () => void;
}

const control = '\u001b[';
/** ECMA-48 and xterm: the other screen, no cursor; home; to the end of the line; to the end of the screen. */
const codes = {
  open: `${control}?1049h${control}?25l`,
  close: `${control}?25h${control}?1049l`,
  home: `${control}H`,
  clearLine: `${control}K`,
  clearBelow: `${control}J`,
  plain: `${control}0m`,
} as const;
const tones: Readonly<Record<NonNullable<TopLine['tone']>, string>> = {
  strong: `${control}1m`,
  bad: `${control}31m`,
  dim: `${control}2m`,
};

/** A frame as text: written over what stands there, so that nothing flickers. */
export function frameText(lines: readonly TopLine[], colour: boolean): string {
  const painted = lines.map(({ text, tone }) =>
    colour && tone !== undefined ? `${tones[tone]}${text}${codes.plain}` : text,
  );
  return `${codes.home}${painted.map((line) => `${line}${codes.clearLine}`).join('\r\n')}${codes.clearBelow}`;
}

/** Takes the process's own terminal. */
export function openScreen({ onResize, onEnd }: ScreenEvents): TopScreen {
  const { stdin, stdout } = process;
  const colour = !process.env.NO_COLOR;
  const onKeys = (keys: Buffer): void => {
    // In raw mode Ctrl-C and Ctrl-D are keys like others.
    const typed = keys.toString('latin1');
    if (typed === 'q' || typed.includes('\u0003') || typed.includes('\u0004')) onEnd();
  };
  stdout.write(codes.open);
  stdout.on('resize', onResize);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', onKeys);
  stdin.on('end', onEnd);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onEnd);
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    show: (lines) => void stdout.write(frameText(lines, colour)),
    close() {
      stdout.off('resize', onResize);
      stdin.off('data', onKeys);
      stdin.off('end', onEnd);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onEnd);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      stdout.write(codes.close);
    },
  };
}
