import { join } from 'node:path';
import { PythonProgram } from '../../support/python-program.ts';
import { interopPrograms } from './grpc-go.ts';
import type { Kind } from './streams-server.ts';

/** Name and value; base64 where the name ends in `-bin`. */
export type PythonFields = readonly (readonly [name: string, value: string])[];

/** What `../python/grpc_client.py` is asked. */
export interface PythonCall {
  readonly kind: Kind;
  readonly fields?: PythonFields;
  readonly send?: readonly number[];
  readonly timeoutMs?: number | null;
  readonly cancelMs?: number;
  readonly compression?: 'gzip' | 'deflate';
  readonly holdMs?: number;
  readonly options?: readonly (readonly [name: string, value: number])[];
}

/** And how it ended there. */
export interface PythonEnded {
  readonly code: string;
  readonly details: string;
  readonly initial: PythonFields;
  readonly trailing: PythonFields;
  readonly sizes: readonly number[];
  readonly first: string;
  /** What grpcio-status finds in the status of a call that failed. */
  readonly told: PythonTold | null;
}

export interface PythonTold {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
}

/** A client of grpcio in a process of its own; one call at a time. */
export class PythonClient {
  readonly #program = new PythonProgram(
    interopPrograms().python,
    join(import.meta.dirname, '../python/grpc_client.py'),
  );

  /** `fields` come before the call's own. */
  async call(port: number, fields: PythonFields, call: PythonCall): Promise<PythonEnded> {
    const all = [...fields, ...(call.fields ?? [])];
    return (await this.#program.ask({ ...call, target: `127.0.0.1:${port}`, fields: all })) as PythonEnded;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
