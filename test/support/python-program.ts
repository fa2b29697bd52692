import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** What it writes to standard error is kept up to this, for the message of a failure. */
const saidCharactersMax = 20_000;

/** A Python program that speaks JSON by lines over its standard input and output. */
export class PythonProgram {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #said = '';

  /** `python`: one that has what the program imports. */
  constructor(python: string, file: string, args: readonly string[] = []) {
    this.#name = basename(file);
    this.#child = spawn(python, [file, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-saidCharactersMax);
    });
    // A program that has ended can't be written to: what it said is in the failure of the answer that doesn't come.
    this.#child.stdin.on('error', () => undefined);
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line, as JSON. One question at a time. */
  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#name} ended: ${this.#said}`);
    return JSON.parse(value);
  }

  ask(question: object): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.next();
  }

  /** Ends its standard input, and it with it; by force after 5 s. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.stdin.end();
    await gone;
    clearTimeout(late);
    this.#reader.close();
  }
}
