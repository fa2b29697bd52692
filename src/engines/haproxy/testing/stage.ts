import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import {
  type Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StubKey, signToken, startStubIssuer } from '../../../../test/support/stub-issuer.ts';
import type { AuditRecord } from '../../../audit/types.ts';
import { accessEpoch } from '../../../plan/index.ts';
import type {
  AccessPlan,
  LimitPlan,
  ListenerPlan,
  Plan,
  RoutePlan,
  RulePlan,
  UpstreamPlan,
} from '../../../plan/types.ts';
import { systemClock } from '../../../std/clock.ts';
import { assistEmbedded } from '../../embedded/assist.ts';
import type { Assisting, EndHanded, EngineContext, RunningEngine } from '../../engine.ts';
import { haproxy } from '../index.ts';

/** The real HAProxy in front of replicas of the test's own, with an issuer over real HTTP. */
export interface Stage extends AsyncDisposable {
  readonly engine: RunningEngine;
  /** Undefined where nothing of the Plan goes the assisted way. */
  readonly side: Assisting | undefined;
  readonly port: number;
  readonly plan: Plan;
  readonly log: readonly string[];
  /** Ports of the replicas, in order. */
  readonly ports: readonly number[];
  /** What the replicas were sent, in order. */
  readonly seen: readonly IncomingMessage[];
  /** A token for this subject in the group `leads`, or in another. */
  token(subject: string, claims?: Readonly<Record<string, unknown>>): string;
  /** A Plan that differs in its access. */
  changed(access: Partial<AccessPlan>): Plan;
  /** The records of this many calls; waits for them. */
  records(count: number): Promise<AuditRecord[]>;
  stop(): Promise<void>;
}

export interface StageOptions {
  readonly replicas?: readonly RequestListener[];
  /** Ports where nobody listens, as further replicas. */
  readonly deadPorts?: readonly number[];
  /** gRPC ports of the replicas, in order. */
  readonly grpc?: readonly number[];
  readonly bodyBytesMax?: number;
  readonly limits?: readonly LimitPlan[];
  readonly access?: Partial<AccessPlan>;
  readonly tls?: ListenerPlan['tls'];
  readonly routes?: readonly RoutePlan[];
  /** How calls are carried. */
  readonly upstream?: Partial<UpstreamPlan>;
  /** Runs the engine in another way; then there is no `side`. */
  readonly run?: (context: EngineContext) => Promise<RunningEngine>;
}

const key: StubKey = {
  kid: 'k1',
  alg: 'ES256',
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'hg-haproxy-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const issuer = undo.adopt(await startStubIssuer([key]), (it) => it.close());
  const seen: IncomingMessage[] = [];
  const live: number[] = [];
  for (const listener of options.replicas ?? [greet]) {
    live.push(undo.adopt(await startReplica(listener, seen), (it) => it.close()).port);
  }
  const ports = [...(options.deadPorts ?? []), ...live];
  const plan = stagePlan({ folder, ports, issuer: issuer.url }, options);
  const log: string[] = [];
  const context = { plan, clock: systemClock, log: (line: string) => void log.push(line) };
  const side = options.run === undefined ? await assistingSide(context) : undefined;
  undo.defer(() => side?.stop(300));
  const endHanded: EndHanded = async (calls) => side?.end(calls);
  const engine = await (options.run ?? haproxy.run)({ ...context, endHanded });
  undo.defer(() => engine.stop(300));
  const opened = undo.move();
  return {
    engine,
    side,
    plan,
    log,
    ports: live,
    seen,
    port: engine.addresses.public?.port ?? 0,
    token: (subject, claims = {}) => signToken(claimsOf(issuer.url, subject, claims), key),
    changed: (access) => withAccess(plan, access),
    records: (count) => eventually(() => recordsOf(engine, join(folder, 'spool'), count)),
    stop: () => opened.disposeAsync(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function assistingSide(context: EngineContext): Promise<Assisting | undefined> {
  const { plan } = context;
  const socket = haproxy.assistSocket?.(plan);
  if (socket === undefined || haproxy.realize(plan).assisted === undefined) return undefined;
  return assistEmbedded({ ...context, socket });
}

function claimsOf(iss: string, sub: string, claims: Readonly<Record<string, unknown>>): object {
  const now = Math.floor(Date.now() / 1000);
  return { iss, sub, aud: 'headgate', exp: now + 3600, iat: now, groups: ['leads'], ...claims };
}

function greet(_request: IncomingMessage, response: Parameters<RequestListener>[1]): void {
  response.setHeader('content-type', 'application/json').end('{"predictions":[1]}');
}

export function testRule(changes: Partial<RulePlan> = {}): RulePlan {
  return {
    index: 0,
    name: 'leads use m',
    effect: 'allow',
    file: 'headgate.yaml',
    line: 7,
    callers: { kind: 'groups', names: ['leads'] },
    actions: { kind: 'any' },
    resources: [{ service: 'scoring', segments: ['m'] }],
    unless: [],
    limits: [],
    ...changes,
  };
}

/** `leads` may do anything with the model `m`, and nobody anything with `n`. */
function stagePlan(
  { folder, ports, issuer }: { readonly folder: string; readonly ports: readonly number[]; readonly issuer: string },
  {
    limits = [],
    access = {},
    grpc = [],
    bodyBytesMax = 64 * 1024 * 1024,
    tls,
    routes = [{ service: 'scoring', strip: false }],
    upstream = {},
  }: StageOptions,
): Plan {
  const identity = { name: 'staff', kind: 'oidc', issuers: [issuer], audience: ['headgate'] } as const;
  const reading = { groupsClaim: ['groups'], algorithms: ['ES256'], types: ['at+jwt'], skewSeconds: 30 };
  const whole: AccessPlan = {
    environment: 'test',
    identities: [{ ...identity, ...reading }],
    groups: [{ name: 'leads', anyOf: [{ allOf: [{ identity: 'staff', group: ['leads'] }] }] }],
    services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'n'] }],
    rules: [testRule({ limits })],
    reads: {},
    ...access,
  };
  return {
    format: 1,
    environment: 'test',
    engine: 'haproxy',
    epoch: accessEpoch(whole),
    access: whole,
    listeners: [{ name: 'public', address: { host: '127.0.0.1', port: 0 }, routes, ...(tls !== undefined && { tls }) }],
    upstreams: [
      { service: 'scoring', endpoints: ports.map((port, index) => endpoint(port, grpc[index])), ...upstream },
    ],
    audit: { directory: join(folder, 'audit'), record: 'required' },
    bounds: { bodyBytesMax },
    admin: { host: '127.0.0.1', port: 0 },
    state: folder,
  };
}

function endpoint(rest: number, grpc: number | undefined): Plan['upstreams'][number]['endpoints'][number] {
  const host = '127.0.0.1';
  return { rest: { host, port: rest }, ...(grpc !== undefined && { grpc: { host, port: grpc } }) };
}

function withAccess(plan: Plan, access: Partial<AccessPlan>): Plan {
  const whole = { ...plan.access, ...access };
  return { ...plan, access: whole, epoch: accessEpoch(whole) };
}

function recordsOf(engine: RunningEngine, spool: string, count: number): AuditRecord[] | undefined {
  const files = readdirSync(spool).filter((name) => name.endsWith('.spool'));
  const lines = files.flatMap((name) => readFileSync(join(spool, name), 'utf8').split('\n').slice(0, -1));
  const records: AuditRecord[] = [];
  for (const line of lines) {
    const record = engine.parseSpool(line);
    if ('unreadable' in record) throw new Error(`${record.unreadable}: ${line}`);
    if ('core' in record) records.push(record);
  }
  if (records.length < count) return undefined;
  return records.sort((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
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

interface Replica {
  readonly port: number;
  close(): void;
}

async function startReplica(listener: RequestListener, seen: IncomingMessage[]): Promise<Replica> {
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sends the text and reads until the other side closes. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let answer = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', (error) => (answer === '' ? reject(error) : undefined));
    socket.on('close', () => resolve(answer));
    socket.end(Buffer.from(text, 'latin1'));
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A call as clients make it. */
export async function call(port: number, path: string, token?: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...init.headers };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '{}', ...init, headers });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** The path of a prediction. */
export const predict = (model: string): string => `/v1/models/${model}:predict`;

/** Ann's prediction on a connection that the agent keeps; its status. */
export function keptAliveCall({ port, token }: Stage, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token('ann')}`, 'content-length': 2 };
    const made = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: predict('m'), headers, agent });
    made.on('error', reject);
    made.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    made.end('{}');
  });
}
