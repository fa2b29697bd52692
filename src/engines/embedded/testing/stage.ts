import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditRecord, createSpoolLineParser, parseSpoolLine } from '../../../audit/index.ts';
import type { AccessPlan, LimitPlan, ListenerPlan, Plan, UpstreamPlan } from '../../../plan/types.ts';
import { systemClock } from '../../../std/clock.ts';
import type { RunningEngine } from '../../engine.ts';
import { embedded } from '../index.ts';

/** The engine on real sockets, in front of replicas of the test's own. */
export interface Stage extends AsyncDisposable {
  readonly engine: RunningEngine;
  readonly port: number;
  readonly plan: Plan;
  readonly log: readonly string[];
  /** The records of this many calls, in order of their end; waits for them. */
  records(count: number): Promise<AuditRecord[]>;
  /** Ids of the calls that were told of as open, in order. */
  opened(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface StageOptions {
  readonly replicas: readonly number[];
  /** Their gRPC ports. */
  readonly grpc?: readonly number[];
  readonly bodyBytesMax?: number;
  readonly limits?: readonly LimitPlan[];
  readonly access?: Partial<AccessPlan>;
  readonly tls?: ListenerPlan['tls'];
  /** What else the service's upstream says. */
  readonly upstream?: Partial<UpstreamPlan>;
}

export async function startStage(options: StageOptions): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'hg-embedded-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const plan = stagePlan(folder, options);
  const log: string[] = [];
  const engine = await embedded.run({ plan, clock: systemClock, log: (line) => log.push(line) });
  undo.defer(() => engine.stop(500));
  const opened = undo.move();
  return {
    engine,
    plan,
    log,
    port: engine.addresses.public?.port ?? 0,
    records: (count) => eventually(() => recordsOf(join(folder, 'spool'), count)),
    opened: async () => linesOf(join(folder, 'spool')).flatMap((line) => openedIn(line) ?? []),
    stop: () => opened.disposeAsync(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Anyone may do anything with the model `m`, and nobody anything with `n`. */
export function stagePlan(
  folder: string,
  { replicas, grpc = [], bodyBytesMax = 64 * 1024 * 1024, limits = [], access, tls, upstream }: StageOptions,
): Plan {
  const rule = {
    index: 0,
    name: 'anyone',
    effect: 'allow',
    file: 'headgate.yaml',
    line: 7,
    callers: { kind: 'anyone' },
    actions: { kind: 'any' },
    resources: [{ service: 'scoring', segments: ['m'] }],
    unless: [],
    limits,
  } as const;
  return {
    format: 1,
    environment: 'test',
    engine: 'embedded',
    epoch: '0123456789abcdef',
    access: {
      environment: 'test',
      identities: [],
      groups: [],
      services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'n'] }],
      rules: [rule],
      reads: {},
      ...access,
    },
    listeners: [
      {
        name: 'public',
        address: { host: '127.0.0.1', port: 0 },
        routes: [{ service: 'scoring', strip: false }],
        ...(tls !== undefined && { tls }),
      },
    ],
    upstreams: [
      { service: 'scoring', endpoints: replicas.map((port, index) => endpoint(port, grpc[index])), ...upstream },
    ],
    audit: { directory: join(folder, 'audit'), record: 'required' },
    bounds: { bodyBytesMax },
    admin: { host: '127.0.0.1', port: 0 },
    state: folder,
  };
}

function endpoint(rest: number, grpc: number | undefined): UpstreamPlan['endpoints'][number] {
  const host = '127.0.0.1';
  return { rest: { host, port: rest }, ...(grpc !== undefined && { grpc: { host, port: grpc } }) };
}

function linesOf(spool: string): string[] {
  const files = readdirSync(spool).filter((name) => name.endsWith('.spool'));
  return files.flatMap((name) => readFileSync(join(spool, name), 'utf8').split('\n').slice(0, -1));
}

function openedIn(line: string): string | undefined {
  const read = createSpoolLineParser()(line);
  return 'opened' in read ? read.opened.requestId : undefined;
}

function recordsOf(spool: string, count: number): AuditRecord[] | undefined {
  const lines = linesOf(spool).filter((line) => openedIn(line) === undefined);
  const records = lines.map((line) => parseSpoolLine(line));
  const read = records.filter((record): record is AuditRecord => !('unreadable' in record));
  if (read.length < records.length) throw new Error('a spool line can not be read');
  return read.length < count ? undefined : read.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
}

/** Looks until there is something. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>, withinMs = 5000): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface Replica extends Disposable {
  readonly port: number;
  readonly server: Server;
  close(): void;
}

export function startReplica(listener: RequestListener): Promise<Replica> {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const close = (): void => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ port, server, close, [Symbol.dispose]: close });
    });
  });
}

/** Sends pieces, one after the other, and reads until the other side closes. */
export function sendRaw(port: number, ...pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined));
    socket.on('close', () => resolve(answer));
    socket.on('connect', async () => {
      for (const piece of pieces) {
        socket.write(Buffer.from(piece, 'latin1'));
        await new Promise((done) => setTimeout(done, 10));
      }
    });
  });
}

/** Head of a POST that predicts with a model. */
export function predictHead(fields: string, model = 'm'): string {
  return `POST /v1/models/${model}:predict HTTP/1.1\r\nhost: a\r\n${fields}\r\n`;
}
