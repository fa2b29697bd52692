import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAudit, verifyAudit } from '../../../src/audit/index.ts';
import type { EngineName } from '../../../src/plan/types.ts';
import { type Answer, send } from '../../conformance/harness/client.ts';
import { freePort } from './ports.ts';

const root = join(import.meta.dirname, '../../..');
/** How long a start may take on a busy machine. */
const readyMsMax = 60_000;
/** What it says is kept up to this. */
const saidCharactersMax = 1_000_000;

export interface GatewayOptions {
  readonly engine: EngineName;
  readonly policy: string;
  /** Lines of the environment that depend on the test: identity, services, routes. */
  readonly bindings: readonly string[];
  readonly routes?: readonly string[];
  /** Files of the listener. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  readonly record?: 'required' | 'best-effort';
  /** Where state and audit go; its own folder unless given. */
  readonly folder?: string;
  /** Words of a command that runs the gateway's command, which is given its port. */
  readonly under?: (port: number) => readonly string[];
}

/** `./headgate up` as a child process that can be killed and started again, on ports that stay. */
export class FaultGateway {
  readonly engine: EngineName;
  readonly port: number;
  readonly adminPort: number;
  /** State and audit. */
  readonly folder: string;
  readonly #files: string;
  readonly #options: GatewayOptions;
  #child: ChildProcess | undefined;
  #said = '';

  private constructor(options: GatewayOptions, ports: readonly [number, number], folders: readonly [string, string]) {
    this.engine = options.engine;
    this.#options = options;
    [this.port, this.adminPort] = ports;
    [this.#files, this.folder] = folders;
  }

  /** Writes the files; does not start it. */
  static async make(options: GatewayOptions): Promise<FaultGateway> {
    const files = await mkdtemp(join(tmpdir(), 'hg-faults-'));
    const { folder = files } = options;
    const gateway = new FaultGateway(options, [await freePort(), await freePort()], [files, folder]);
    await gateway.writePolicy(options.policy);
    await gateway.#write('environment.yaml', gateway.#environmentText(options));
    return gateway;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Everything that it has written. */
  get said(): string {
    return this.#said;
  }

  get policyFile(): string {
    return join(this.#files, 'headgate.yaml');
  }

  get environmentFile(): string {
    return join(this.#files, 'environment.yaml');
  }

  get auditDirectory(): string {
    return join(this.folder, 'audit');
  }

  /** In one step, so that no half a file is ever there. */
  writePolicy(text: string): Promise<void> {
    return this.#write('headgate.yaml', text);
  }

  /** The same for the environment, with other bindings. */
  writeBindings(bindings: readonly string[]): Promise<void> {
    return this.#write('environment.yaml', this.#environmentText({ ...this.#options, bindings }));
  }

  /** Starts it without waiting until it is ready. */
  spawn(): void {
    const up = [join(root, 'headgate'), 'up', '-p', this.policyFile, '-e', this.environmentFile];
    const [program = '', ...words] = [...(this.#options.under?.(this.port) ?? []), ...up];
    const child = spawn(program, words, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-saidCharactersMax);
      });
    }
    this.#child = child;
  }

  async start(): Promise<void> {
    const before = this.#said.length;
    this.spawn();
    await until(
      () => {
        assert.ok(this.#isAlive(), `it ended: ${this.#said.slice(before)}`);
        return this.#said.slice(before).includes('headgate: ready\n');
      },
      { what: 'it is ready', withinMs: readyMsMax },
    );
  }

  /** kill -9, and it is gone when this returns. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isAlive()) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Ends it as people do, or by force after 30 s, which fails. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isAlive()) return;
    const gone = once(child, 'exit').then(() => 'gone');
    child.kill('SIGTERM');
    const outcome = await Promise.race([gone, sleep(30_000, 'late', { ref: false })]);
    if (outcome === 'late') child.kill('SIGKILL');
    assert.equal(outcome, 'gone', 'it did not end within 30 s');
  }

  /** Ends whatever is left, and takes the files away. */
  async remove(): Promise<void> {
    await this.kill9();
    for (const pid of this.haproxyPids()) process.kill(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
    await rm(this.#files, { recursive: true, force: true });
  }

  /** Processes of HAProxy that run on this gateway's files, whoever started them. */
  haproxyPids(): number[] {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && this.#isOurs(name) ? [Number(name)] : []));
  }

  send(method: string, target: string, headers: readonly string[] = []): Promise<Answer> {
    return send({
      port: this.port,
      method,
      target,
      headers,
      ...(method === 'POST' && { body: '{"instances":[[1]]}' }),
    });
  }

  /** A page of the admin address. */
  async page(path: string): Promise<{ status: number; text: string }> {
    const { status, body } = await send({
      port: this.adminPort,
      method: 'GET',
      target: path,
      headers: ['host', `127.0.0.1:${this.adminPort}`],
    });
    return { status, text: body };
  }

  async status(): Promise<FaultStatus> {
    return JSON.parse((await this.page('/status')).text) as FaultStatus;
  }

  /** What `headgate audit verify` finds, and what is in the chain. */
  async audited(): Promise<Audited> {
    const { findings, events } = await verifyAudit(this.auditDirectory);
    const ids = new Map<string, number>();
    const reasons = new Map<string, number>();
    for await (const event of readAudit(this.auditDirectory)) {
      if (event.kind !== 'call') continue;
      ids.set(event.requestId, (ids.get(event.requestId) ?? 0) + 1);
      reasons.set(event.core.reason, (reasons.get(event.core.reason) ?? 0) + 1);
    }
    return { findings: findings.map(({ kind, message }) => `${kind}: ${message}`), events, ids, reasons };
  }

  #isAlive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  #isOurs(pid: string): boolean {
    try {
      const [program = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      return program.endsWith('haproxy') && words.some((word) => word.startsWith(this.folder));
    } catch {
      return false;
    }
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#files, name);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  #environmentText({ engine, bindings, routes, tls, record = 'required' }: GatewayOptions): string {
    return [
      'version: 1',
      'environment: dev',
      `engine: ${engine}`,
      `state: ${this.folder}`,
      'listeners:',
      '  - name: public',
      `    address: 127.0.0.1:${this.port}`,
      ...(tls === undefined ? [] : [`    tls: { certificate: ${tls.certificate}, key: ${tls.key} }`]),
      ...(routes === undefined ? [] : [`    routes: [ ${routes.join(', ')} ]`]),
      ...bindings,
      `audit: { directory: ${this.auditDirectory}, record: ${record} }`,
      `admin: 127.0.0.1:${this.adminPort}`,
      '',
    ].join('\n');
  }
}

export interface Audited {
  /** `<kind>: <message>` */
  readonly findings: readonly string[];
  readonly events: number;
  /** How often a call is there, by its id. */
  readonly ids: ReadonlyMap<string, number>;
  /** How often a reason is there. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** What these tests read of `/status`. */
export interface FaultStatus {
  readonly ready: boolean;
  readonly epoch: string;
  readonly filesRead: string;
  readonly reload?: {
    readonly outcome: string;
    readonly at: string;
    readonly message: string;
    readonly diagnostics: readonly unknown[];
  };
  readonly certificates: readonly { readonly ends: string; readonly fault?: string }[];
  readonly audit: { readonly state: string; readonly reason?: string; readonly unreadable: number };
  readonly running: { readonly processes: readonly { readonly role: string; readonly pid: number }[] };
}

/** `HEADGATE_ENGINES` names the engines that are there. */
export const present = (['embedded', 'haproxy'] as const).filter(
  (name) => process.env.HEADGATE_ENGINES?.split(',').includes(name) ?? true,
);

/** Waits for a condition, looking every 20 ms. Returns how long it took. Milliseconds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { what, withinMs = 5000 }: { readonly what: string; readonly withinMs?: number },
): Promise<number> {
  const beganMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - beganMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(20);
  }
  return performance.now() - beganMs;
}

/** Code of a problem document; '' where the body isn't one. */
export function codeOf({ headers, body }: Answer): string {
  if (!headers.includes('application/problem+json')) return '';
  return /"code":"([a-z-]+)"/.exec(body)?.[1] ?? '';
}
