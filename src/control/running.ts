import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditWriter } from '../audit/index.ts';
import type { ChainedCalls } from '../audit/types.ts';
import type { Engine, RunningEngine } from '../engines/engine.ts';
import type { GateKeys } from '../gate/index.ts';
import type { AddressPlan, Plan } from '../plan/types.ts';
import type { Clock } from '../std/clock.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { Admin } from './admin.ts';
import type { Admission } from './admission.ts';
import type { Certificates } from './certificates.ts';
import type { Files } from './compile-files.ts';
import { grpcMethodsOf } from './grpc-methods.ts';
import type { KeyWatch } from './key-watch.ts';
import { metricsPage } from './metrics-page.ts';
import { reload } from './reload.ts';
import { ReloadCounts } from './reload-counts.ts';
import type { ReplicaWatch } from './replica-watch.ts';
import { SpanExport } from './span-export.ts';
import { type HeadgateStatus, type ReloadStatus, versionsOf } from './status.ts';
import { version } from './version.ts';
import { type Stamps, watchFiles } from './watch.ts';

/** A gateway at work. */
export interface RunningHeadgate {
  /** Where each listener really listens, by name. */
  readonly addresses: Readonly<Record<string, AddressPlan>>;
  readonly admin: AddressPlan;
  /** What is in force now. */
  plan(): Plan;
  status(): Promise<HeadgateStatus>;
  /** Resolves if the gateway can't go on. */
  readonly failed: Promise<Error>;
  /** Reads both files and all certificates again, now, changed or not. */
  reload(): Promise<ReloadStatus>;
  /** Chains what is in the spool now. */
  flushAudit(): Promise<void>;
  /** Drains within `graceMs`, chains the rest, ends. */
  stop(graceMs: number): Promise<void>;
}

export interface HeadgateParts {
  readonly files: Files;
  readonly engine: Engine;
  readonly running: RunningEngine;
  readonly plan: Plan;
  /** Of the files that it was compiled from. */
  readonly digest: string;
  readonly keys: GateKeys;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** What is there once all has started. */
export interface OpenParts {
  readonly writer: AuditWriter;
  readonly admin: Admin;
  readonly admission: Admission;
  readonly keyWatch: KeyWatch;
  readonly certificates: Certificates;
  readonly replicas: ReplicaWatch;
  /** The files, from before they were read. */
  readonly since: Stamps;
  /** Gives up the state folder. */
  readonly unlock: () => void;
}

/** How long after its grace an engine is waited for. */
const lateMs = 3000;
/** How long spans of the last calls may take to be sent. */
const spansGraceMs = 2000;

/** Holds what runs, and which Plan. Made and opened by `startHeadgate`. */
export class Headgate implements RunningHeadgate {
  readonly metrics: Metrics;
  readonly failed: Promise<Error>;
  readonly fail: (error: Error) => void;
  readonly #parts: HeadgateParts;
  readonly #startedMs: number;
  #plan: Plan;
  #open: OpenParts | undefined;
  #reload: ReloadStatus | undefined;
  readonly #reloads: ReloadCounts;
  readonly #spans: SpanExport;
  #filesRead: string;
  /** Of the files that were read last; undefined: they could not be. */
  #stamps: Stamps | undefined;
  /** One after the other. */
  #taking: Promise<unknown> = Promise.resolve();
  #endWatch: () => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(parts: HeadgateParts) {
    this.#parts = parts;
    this.#plan = parts.plan;
    this.#filesRead = parts.digest;
    this.#startedMs = parts.clock.now();
    this.#reloads = new ReloadCounts(this.#startedMs);
    this.metrics = parts.metrics;
    // Before what an earlier run left in the spool is counted.
    this.metrics.setGrpcMethods(grpcMethodsOf(parts.plan));
    const { environment, engine, telemetry } = parts.plan;
    this.#spans = new SpanExport({ source: { version, environment, engine }, log: parts.log });
    this.#spans.configure(telemetry);
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.fail = resolve;
    void parts.running.failed.then(resolve);
  }

  /** From here on it is ready. */
  open(open: OpenParts): void {
    this.#open = open;
    this.#setPlan(this.#parts.plan);
    this.#endWatch = watchFiles({
      since: open.since,
      onChange: async () => {
        if (this.#stopping === undefined) await this.#takeUp();
        return this.#stamps;
      },
    });
  }

  get addresses(): Readonly<Record<string, AddressPlan>> {
    return this.#parts.running.addresses;
  }

  get admin(): AddressPlan {
    return this.#opened().admin.address;
  }

  plan(): Plan {
    return this.#plan;
  }

  /** Why it isn't ready; undefined where it is. */
  unready(): string | undefined {
    if (this.#stopping !== undefined) return 'stopping';
    if (this.#open === undefined) return 'starting';
    const shut = this.#open.admission.shut;
    return shut === undefined ? undefined : `admission is shut: ${shut}`;
  }

  async status(): Promise<HeadgateStatus> {
    const { files } = this.#parts;
    const reason = this.unready();
    return {
      version,
      environment: this.#plan.environment,
      engine: this.#plan.engine,
      epoch: this.#plan.epoch,
      policyFile: files.policyFile,
      environmentFile: files.environmentFile,
      filesRead: this.#filesRead,
      pid: process.pid,
      ready: reason === undefined,
      ...(reason !== undefined && { reason }),
      startedAt: new Date(this.#startedMs).toISOString(),
      ...(this.#reload !== undefined && { reload: this.#reload }),
      listeners: this.addresses,
      certificates: this.#opened().certificates.status(),
      versions: versionsOf(this.#plan.access),
      audit: { ...this.#opened().writer.status(), ...this.#plan.audit },
      keys: this.#opened().keyWatch.status(),
      replicas: this.#opened().replicas.status(),
      running: await this.#parts.running.status(),
    };
  }

  /** Hears of each block of calls. */
  observe(calls: ChainedCalls): void {
    this.metrics.observe(calls);
    this.#spans.observe(calls);
  }

  /** Metrics with the gauges of this moment. */
  async metricsText(): Promise<string> {
    const { running, metrics } = this.#parts;
    const { writer, certificates, replicas } = this.#opened();
    return metricsPage({
      metrics,
      running,
      audit: writer.status(),
      reloads: this.#reloads,
      certificates: certificates.status(),
      replicas: replicas.status().replicas,
      spans: this.#spans.counts,
    });
  }

  flushAudit(): Promise<void> {
    return this.#opened().writer.flush();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#end(graceMs);
    return this.#stopping;
  }

  async #end(graceMs: number): Promise<void> {
    const { writer, admin, keyWatch, certificates, replicas, unlock } = this.#opened();
    this.#endWatch();
    // An engine that is stopped must not be given a Plan any more: it would start what nobody stops.
    await Promise.race([this.#taking.catch(() => undefined), sleep(graceMs + lateMs, undefined, { ref: false })]);
    await replicas.stop();
    await certificates.stop();
    await this.#endEngine(graceMs);
    await keyWatch.stop();
    await writer.stop();
    await this.#spans.stop(spansGraceMs);
    await admin.close();
    unlock();
  }

  /** An engine ends by itself within the grace; one that doesn't holds up nobody. */
  async #endEngine(graceMs: number): Promise<void> {
    const { running, log } = this.#parts;
    const late = Symbol('late');
    const waited = sleep(graceMs + lateMs, late, { ref: false });
    if ((await Promise.race([running.stop(graceMs), waited])) === late) log('the engine did not end in time');
  }

  async reload(): Promise<ReloadStatus> {
    const status = await this.#takeUp();
    await this.#opened().certificates.reread();
    return status;
  }

  #takeUp(): Promise<ReloadStatus> {
    const taken = this.#taking.then(() => this.#readAndSwap());
    this.#taking = taken;
    return taken;
  }

  async #readAndSwap(): Promise<ReloadStatus> {
    const { files, engine, running, clock, log } = this.#parts;
    const { replicas } = this.#opened();
    const reloading = { files, engine, running, replicas, plan: this.#plan, log };
    const { plan, status, digest, stamps } = await reload(reloading, clock.now());
    this.#plan = plan;
    this.#reload = status;
    this.#spans.configure(plan.telemetry);
    this.#reloads.note(status.outcome, clock.now());
    this.#filesRead = digest ?? this.#filesRead;
    this.#stamps = stamps;
    this.#setPlan(plan);
    return status;
  }

  #setPlan(plan: Plan): void {
    const { engine, environment } = plan;
    this.metrics.setBuildInfo({ version, engine, environment });
    this.metrics.setGrpcMethods(grpcMethodsOf(plan));
  }

  #opened(): OpenParts {
    if (this.#open === undefined) throw new Error('still starting');
    return this.#open;
  }
}
