import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../examples/verify-identity');
/** What it says is kept up to this, for the message of a failure. */
const saidCharactersMax = 20_000;
const readyMsMax = 60_000;

/** `service.py` of the example, as a process of its own. */
export class PythonService {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Resolves when it listens. */
  static async start(python: string, args: readonly string[]): Promise<PythonService> {
    const child = spawn(python, ['service.py', ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-saidCharactersMax);
      });
    const endMs = Date.now() + readyMsMax;
    for (;;) {
      const port = /^listening on (\d+)$/m.exec(said)?.[1];
      if (port !== undefined) return new PythonService(child, Number(port));
      if (child.exitCode !== null || Date.now() > endMs) {
        child.kill('SIGKILL');
        throw new Error(`service.py does not listen: ${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** By force after 5 s. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    this.#child.kill('SIGTERM');
    await gone;
    clearTimeout(late);
  }
}
