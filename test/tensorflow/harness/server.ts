import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorFlowProgram } from './python.ts';

/** What TensorFlow's own parser read, or what its runtime ran. */
export interface Spec {
  readonly name: string;
  readonly version: number | null;
  readonly label?: string | null;
  readonly signature: string | null;
}

/** A call as the model server saw it. */
export interface ServedCall {
  readonly via: 'rest' | 'grpc';
  /** `Predict`, or `POST /v1/models/m:predict`. */
  readonly operation: string;
  readonly asked: readonly Spec[];
  readonly ran: readonly Spec[];
  /** Metadata or header fields, by lower-case name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** gRPC's name of the status. */
  readonly code: string;
  /** Of the message or the body. */
  readonly bytes: number;
  /** What was left of the caller's deadline; null: it has none. gRPC only. */
  readonly deadlineMs?: number | null;
  /** Whether the caller had gone when it was done. gRPC only. */
  readonly cancelled?: boolean;
}

/** `model/version/signature` of what ran. */
export function ranIn(calls: readonly ServedCall[]): string[] {
  return calls.flatMap(({ ran }) => ran.map(({ name, version, signature }) => `${name}/${version}/${signature}`));
}

/** TensorFlow's runtime behind TensorFlow Serving's protocols (`../python/server.py`), with what it was asked and ran. */
export class ModelServer {
  readonly grpcPort: number;
  readonly restPort: number;
  /** Folder of the SavedModels. */
  readonly models: string;
  readonly #folder: string;
  readonly #opened: AsyncDisposableStack;

  private constructor(
    folder: string,
    ready: { readonly grpc: number; readonly rest: number; readonly models: string },
    opened: AsyncDisposableStack,
  ) {
    this.#folder = folder;
    this.#opened = opened;
    [this.grpcPort, this.restPort, this.models] = [ready.grpc, ready.rest, ready.models];
  }

  static async start(): Promise<ModelServer> {
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hg-tensorflow-'));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    const program = undo.adopt(tensorFlowProgram('server.py', [folder]), (it) => it.stop());
    const ready = (await program.next()) as { grpc: number; rest: number; models: string };
    return new ModelServer(folder, ready, undo.move());
  }

  /** Every call so far, in the order in which they were answered. */
  async calls(): Promise<ServedCall[]> {
    const text = await readFile(join(this.#folder, 'calls.ndjson'), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as ServedCall);
  }

  /** What `act` brings about, with the calls that came of it. */
  async during<T>(act: () => Promise<T>): Promise<{ outcome: T; calls: ServedCall[] }> {
    const before = (await this.calls()).length;
    const outcome = await act();
    return { outcome, calls: (await this.calls()).slice(before) };
  }

  /** Waits until so many calls carried this metadata: a caller that has gone does not wait for its record. At most 5 s. */
  async calledTimes(metadata: string, count: number): Promise<void> {
    const endMs = Date.now() + 5000;
    while ((await this.calls()).filter((call) => metadata in call.metadata).length < count) {
      if (Date.now() > endMs) throw new Error(`the server saw no such call with ${metadata}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
