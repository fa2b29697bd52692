import { setTimeout as sleep } from 'node:timers/promises';
import { parseDurationMs } from '../std/duration.ts';
import { readSamples } from '../telemetry/index.ts';
import { adminAddress, askStatus, getText } from './ask-admin.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { faultText } from './fault-text.ts';
import type { Terminal } from './terminal.ts';
import { type Look, topFigures } from './top-figures.ts';
import { topFrame } from './top-frame.ts';
import { openScreen, type TopScreen } from './top-screen.ts';
import { UsageError } from './usage-error.ts';

export interface TopOptions {
  readonly environment: string;
  /** `host:port`; default: what the environment says. */
  readonly admin?: string;
  readonly interval: string;
  readonly once?: boolean;
}

const intervalMsMin = 200;
const intervalMsMax = 60_000;
/** Until the first frame, whose rates would be of nearly no time otherwise. */
const firstMs = 500;
/** Where nobody says how wide a line may be. */
const plainSize = { columns: 160, rows: 200 } as const;

/** `headgate top`: a gateway's figures, again and again; once where no person looks. */
export async function top(options: TopOptions, terminal: Terminal): Promise<ExitCode> {
  const intervalMs = intervalOf(options.interval);
  const address = await adminAddress(options);
  const first = await look(address);
  if (options.once === true || !process.stdout.isTTY) {
    await sleep(intervalMs);
    const now = await look(address);
    const seconds = (now.atMs - first.atMs) / 1000;
    const lines = topFrame(topFigures(first, now), now.status, { ...plainSize, seconds, nowMs: now.atMs });
    terminal.out(`${lines.map(({ text }) => text).join('\n')}\n`);
    return exitCodes.ok;
  }
  await follow(first, { address, intervalMs });
  return exitCodes.ok;
}

function intervalOf(text: string): number {
  const intervalMs = parseDurationMs(text);
  if (intervalMs !== undefined && intervalMs >= intervalMsMin && intervalMs <= intervalMsMax) return intervalMs;
  throw new UsageError(`--interval ${text} is not a duration from 200ms to 60s`, 'write it like 500ms or 2s');
}

async function look(address: string): Promise<Look> {
  const [status, page] = await Promise.all([askStatus(address), getText(address, '/metrics')]);
  return { atMs: Date.now(), samples: readSamples(page), status };
}

interface Following {
  readonly address: string;
  readonly intervalMs: number;
}

/** Until it is told to end. A gateway that doesn't answer for a while is asked again. */
async function follow(first: Look, { address, intervalMs }: Following): Promise<void> {
  const told = new AbortController();
  let [before, now] = [first, first];
  let fault: string | undefined;
  const screen: TopScreen = openScreen({ onResize: () => draw(), onEnd: () => told.abort() });
  const draw = (): void => {
    const seconds = (now.atMs - before.atMs) / 1000;
    const { columns, rows } = screen;
    const keys = 'q or Ctrl-C ends';
    const shown = { columns, rows, seconds, nowMs: Date.now(), keys, ...(fault !== undefined && { fault }) };
    screen.show(topFrame(topFigures(before, now), now.status, shown));
  };
  try {
    await pause(Math.min(intervalMs, firstMs), told.signal);
    for (; !told.signal.aborted; await pause(intervalMs, told.signal)) {
      try {
        const next = await look(address);
        [before, now, fault] = [now, next, undefined];
      } catch (cause) {
        fault = faultText(cause).text.split('\n', 1)[0] ?? '';
      }
      if (!told.signal.aborted) draw();
    }
  } finally {
    screen.close();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
