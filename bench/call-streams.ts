import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { callPaths } from './call-paths.ts';
import { framed } from './grpc-messages.ts';
import type { LoadResult } from './load.ts';
import { loadCore } from './processes.ts';
import type { Side } from './sides/side.ts';

const run = promisify(execFile);
const bytesOfMb = 1e6;

/** What is streamed: which way, in messages of which size, over one stream at a time or over many at once. */
export interface Streaming {
  readonly name: string;
  readonly direction: 'up' | 'down';
  /** Of a message, its frame included. */
  readonly messageBytes: number;
  /** Of one stream. */
  readonly streamBytes: number;
  readonly connections: number;
  /** At a time, on each connection. */
  readonly streams: number;
}

const sizes = [
  { size: '16kB', messageBytes: 16_000 },
  { size: '1MB', messageBytes: 1_000_000 },
] as const;
const widths = [
  { width: 'one', streamBytes: 64 * bytesOfMb, connections: 1, streams: 1 },
  { width: 'many', streamBytes: 8 * bytesOfMb, connections: 4, streams: 8 },
] as const;

/** All that are measured. */
export const streamings: readonly Streaming[] = (['up', 'down'] as const).flatMap((direction) =>
  sizes.flatMap(({ size, messageBytes }) =>
    widths.map(({ width, ...shape }) => ({ name: `${direction}-${size}-${width}`, direction, messageBytes, ...shape })),
  ),
);

/** Writes the messages of one stream into a file, once for those that are alike. */
export function writeStream(folder: string, { messageBytes, streamBytes }: Streaming): string {
  const file = join(folder, basename(callPaths.watch({ messageBytes, streamBytes })));
  const message = framed(Buffer.alloc(messageBytes - 5, 'x'));
  const opened = openSync(file, 'w');
  for (let bytes = 0; bytes < streamBytes; bytes += messageBytes) writeSync(opened, message);
  closeSync(opened);
  return file;
}

export interface StreamLoad {
  readonly streaming: Streaming;
  readonly token: string;
  /** File of what goes up: the stream, or one small message. */
  readonly sent: string;
  /** Of one stream that goes up, as is; of one that goes down, at least. */
  readonly answerBytes: number;
  readonly mbPerSecond: number;
}

/** Streams a fixed number of megabytes, which is what the result counts. Throws where a stream was refused or came short. */
export async function streamLoad(side: Side, seconds: number, load: StreamLoad): Promise<LoadResult> {
  const { streaming, token, sent, answerBytes, mbPerSecond } = load;
  const { direction, streamBytes, connections, streams } = streaming;
  const count = Math.max(connections * streams, Math.ceil((seconds * mbPerSecond * bytesOfMb) / streamBytes));
  const path = direction === 'up' ? callPaths.send : callPaths.watch(streaming);
  const options = ['-n', `${count}`, '-c', `${connections}`, '-m', `${streams}`, '-d', sent, '-w', '20', '-W', '24'];
  const fields = ['content-type: application/grpc', 'te: trailers', `authorization: Bearer ${token}`];
  const words = [...options, ...fields.flatMap((field) => ['-H', field]), `http://127.0.0.1:${side.port}${path}`];
  const { stdout } = await run('taskset', ['-c', String(loadCore), 'h2load', ...words]);
  const answered = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1] ?? Number.NaN);
  const bytes = Number(/\((\d+)\) data$/m.exec(stdout)?.[1] ?? Number.NaN);
  if (answered !== count || bytes < count * answerBytes) throw new Error(`h2load: streams failed: ${stdout}`);
  return { requests: (count * streamBytes) / bytesOfMb, seconds: secondsOf(stdout) };
}

/** `finished in 1.50s`, or in ms or us. */
function secondsOf(text: string): number {
  const [, value, unit] = /^finished in ([\d.]+)(us|ms|s)/m.exec(text) ?? [];
  return Number(value) * (unit === 'us' ? 1e-6 : unit === 'ms' ? 1e-3 : 1);
}
