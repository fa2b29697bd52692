import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { grpcAnswer, grpcPath } from './grpc-messages.ts';
import type { LoadResult } from './load.ts';
import { loadCore } from './processes.ts';

const run = promisify(execFile);
export interface GrpcLoadOptions {
  readonly port: number;
  readonly token: string;
  /** File of the message. */
  readonly message: string;
  /** Calls in flight on each connection. */
  readonly streams: number;
  readonly seconds: number;
  /** Default: four. */
  readonly connections?: number;
  /** Default: `Predict`, and its answer's. */
  readonly path?: string;
  readonly answerBytes?: number;
}

/** Sends what one core can. Throws where an answer wasn't the upstream's: a refused gRPC call is HTTP 200, too, but has no body. */
export async function grpcLoad(options: GrpcLoadOptions): Promise<LoadResult> {
  const { port, token, message, streams, seconds } = options;
  const { connections = 4, path = grpcPath, answerBytes = grpcAnswer.length } = options;
  const fields = ['content-type: application/grpc', 'te: trailers', `authorization: Bearer ${token}`];
  const load = ['h2load', '-D', String(seconds), '-c', String(connections), '-m', String(streams), '-d', message];
  const sent = [...load, ...fields.flatMap((field) => ['-H', field]), `http://127.0.0.1:${port}${path}`];
  const { stdout } = await run('taskset', ['-c', String(loadCore), ...sent]);
  const answered = Number(/status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(stdout)?.[1] ?? Number.NaN);
  const [, failed, errored] = /(\d+) failed, (\d+) errored/.exec(stdout)?.map(Number) ?? [];
  const bytes = Number(/\((\d+)\) data$/m.exec(stdout)?.[1] ?? Number.NaN);
  if (!(answered > 0) || failed !== 0 || errored !== 0) throw new Error(`h2load: calls failed: ${stdout}`);
  // Calls that were cut off by the end of the run may have had theirs.
  if (bytes < answered * answerBytes) throw new Error(`h2load: ${answered} answers have ${bytes} bytes: refusals?`);
  return { requests: answered, seconds };
}
