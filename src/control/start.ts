import { join } from 'node:path';
import { type AuditWriter, parseKeyLine, startAuditWriter } from '../audit/index.ts';
import { renderTerminal } from '../diagnostics/index.ts';
import type { Engine, RunningEngine } from '../engines/engine.ts';
import { type GateKeys, loadGateKeys } from '../gate/index.ts';
import type { Plan } from '../plan/types.ts';
import { type Clock, systemClock } from '../std/clock.ts';
import { createMetrics } from '../telemetry/index.ts';
import { startAdmin } from './admin.ts';
import { pagesOf } from './admin-pages.ts';
import { type Admission, createAdmission } from './admission.ts';
import { runAssisted } from './assistance.ts';
import { watchCertificates } from './certificates.ts';
import { compileFiles, type Files } from './compile-files.ts';
import { loadEngine } from './engines.ts';
import { ControlFault, messageOf, systemCode } from './fault.ts';
import { foldRepeats } from './fold-repeats.ts';
import { inheritedSockets } from './inherited-sockets.ts';
import { type KeyWatch, watchKeys } from './key-watch.ts';
import { isError } from './reload.ts';
import { ReplicaWatch } from './replica-watch.ts';
import { Headgate, type RunningHeadgate } from './running.ts';
import { lockState } from './state-lock.ts';
import type { Stamps } from './watch.ts';

export interface StartOptions extends Files {
  /** Sentences for the operator. Diagnostics come as several lines. */
  readonly log: (line: string) => void;
  readonly clock?: Clock;
  /** Asked for names of endpoints instead of the machine's own: `127.0.0.1:5353`. */
  readonly dnsServers?: readonly string[];
}

/** Grace for what has been started when something after it fails. */
const undoGraceMs = 2000;

/**
 * Compiles both files, runs the engine, keeps the audit, answers the operator, and takes up changes of the files. Throws
 * `ControlFault`: `file-unreadable`, `files-rejected`, `engine-rejected`, `address-taken`, `state-taken`, `start-failed`.
 */
export async function startHeadgate(options: StartOptions): Promise<RunningHeadgate> {
  const { clock = systemClock } = options;
  const log = foldRepeats(options.log, clock);
  const { plan, digest, stamps } = await planOf({ ...options, log });
  const engine = await engineFor(plan, log);
  await using undo = new AsyncDisposableStack();
  const unlock = await starting('state', async () => lockState(plan.state));
  undo.defer(unlock);
  const keys = await starting('keys of the gate', () => loadGateKeys(plan.state, clock));
  const metrics = createMetrics();
  const listeners = plan.listeners.map(({ name }) => name);
  const sockets = inheritedSockets(process.env, { pid: process.pid, listeners });
  const running = await starting(`${engine.name} engine`, () => runAssisted(engine, { plan, clock, log, sockets }));
  undo.defer(() => running.stop(undoGraceMs));
  const headgate = new Headgate({
    files: options,
    engine,
    running,
    plan,
    digest,
    keys,
    metrics,
    clock,
    log: options.log,
  });
  const { dnsServers } = options;
  const replicas = new ReplicaWatch({ running, plan, clock, log, dnsServers });
  undo.defer(() => replicas.stop());
  await starting('watch over replicas', () => replicas.start());
  const keyWatch = await starting('watch over API keys', () =>
    keyWatchOf({ plan, headgate, keys, running, clock, log }),
  );
  undo.defer(() => keyWatch.stop());
  const admission = admissionOf(headgate, { running, plan, log });
  const writer = await starting('audit', () => auditOf({ plan, running, clock, log, headgate, admission }));
  undo.defer(() => writer.stop());
  const admin = await startAdmin(plan.admin, pagesOf(headgate, { keys, metrics }));
  undo.defer(() => admin.close());
  const certificates = watchCertificates({ listeners: () => headgate.plan().listeners, running, clock, log });
  headgate.open({ writer, admin, admission, keyWatch, certificates, replicas, since: stamps, unlock });
  undo.move();
  return headgate;
}

interface Planned {
  readonly plan: Plan;
  readonly digest: string;
  readonly stamps: Stamps;
}

async function planOf(options: StartOptions): Promise<Planned> {
  const { plan, diagnostics, sources, digest, stamps } = await compileFiles(options);
  if (diagnostics.length > 0) options.log(renderTerminal(diagnostics, { sources }));
  if (plan === undefined) throw new ControlFault('files-rejected', 'the files have errors');
  return { plan, digest, stamps };
}

async function engineFor(plan: Plan, log: (line: string) => void): Promise<Engine> {
  const engine = await loadEngine(plan.engine);
  const refusals = await engine.check(plan);
  if (refusals.length > 0) log(renderTerminal(refusals));
  if (refusals.some(isError))
    throw new ControlFault('engine-rejected', `the ${engine.name} engine can't run this plan`);
  return engine;
}

function admissionOf(
  headgate: Headgate,
  {
    running,
    plan,
    log,
  }: { readonly running: RunningEngine; readonly plan: Plan; readonly log: (line: string) => void },
): Admission {
  const required = plan.audit.record === 'required';
  return createAdmission({ running, required, log, onUnable: (error) => headgate.fail(error) });
}

interface KeyParts {
  readonly plan: Plan;
  readonly headgate: Headgate;
  readonly keys: GateKeys;
  readonly running: RunningEngine;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

function keyWatchOf({ plan, headgate, keys, ...parts }: KeyParts): Promise<KeyWatch> {
  const { state, engine, environment } = plan;
  const isNeeded = (): boolean => headgate.plan().access.identities.some(({ kind }) => kind === 'apiKeys');
  return watchKeys({ ...parts, state, engine, environment, idKey: keys.idKey.reveal(), isNeeded });
}

interface AuditParts {
  readonly plan: Plan;
  readonly running: RunningEngine;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly headgate: Headgate;
  readonly admission: Admission;
}

function auditOf({ plan, running, clock, log, headgate, admission }: AuditParts): Promise<AuditWriter> {
  return startAuditWriter({
    spoolDirectory: join(plan.state, 'spool'),
    directory: plan.audit.directory,
    parse: running.parseSpool,
    parsers: { control: parseKeyLine },
    onCalls: (calls) => headgate.observe(calls),
    onStatus: (status) => admission.observe(status),
    clock,
    log,
  });
}

/** Says what it was that did not start. */
async function starting<T>(what: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    if (cause instanceof ControlFault) throw cause;
    if (systemCode(cause) === 'EADDRINUSE') {
      const hint = 'other addresses stand under `listeners` in the environment';
      throw new ControlFault('address-taken', `something else listens there: ${messageOf(cause)}`, { hint, cause });
    }
    throw new ControlFault('start-failed', `the ${what} did not start: ${messageOf(cause)}`, { cause });
  }
}
