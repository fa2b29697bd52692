import type { Registry } from 'prom-client';
import type { AuditStatus } from '../audit/types.ts';
import { metrics } from './names.ts';
import { type Sets, setter } from './setter.ts';

/** What an engine says of itself now. What it can't know is left out, and so are its series. */
export interface EngineFigures {
  readonly keptDecisions: number;
  readonly unrecordedCalls?: number;
  /** Times that the gate was asked, since the engine started. */
  readonly questions?: number;
  readonly endpoints: readonly {
    readonly service: string;
    readonly address: string;
    readonly inFlight: number;
    readonly isEjected?: boolean;
  }[];
  readonly queues?: readonly {
    readonly service: string;
    readonly model?: string;
    readonly inFlight: number;
    readonly waiting: number;
  }[];
  readonly traffic?: readonly TrafficFigures[];
  /** Calls of gRPC services that are open now. */
  readonly streams?: { readonly byService: Readonly<Record<string, number>> };
}

/** Counts of one service since the engine started. */
export interface TrafficFigures {
  readonly service: string;
  readonly retries: number;
  readonly retriesRefused: number;
  readonly ejections: number;
  readonly coalesced: number;
  readonly queueFull: number;
  readonly queueTimeouts: number;
}

/** What is known of a replica's health, by whoever polls it. */
export interface ReplicaFigures {
  readonly service: string;
  /** As in `EngineFigures.endpoints`. */
  readonly address: string;
  readonly isUp: boolean;
  /** How many models and versions it lacks. */
  readonly lacks: number;
}

/** What control knows of itself now. */
export interface ControlFigures {
  /** Milliseconds since the epoch. */
  readonly lastGoodReloadMs: number;
  readonly filesInForce: boolean;
  readonly reloads: Readonly<Record<'taken' | 'rejected', number>>;
  readonly certificates: readonly { readonly listener: string; readonly endMs: number }[];
  /** Left out: no spans are sent. */
  readonly spans?: Readonly<Record<'sent' | 'dropped' | 'failed', number>>;
}

/** Figures of engine and control: set before the page is made. */
export interface Figures {
  /** Undefined: the engine doesn't answer, and its figures are left out. */
  setEngine(engine: EngineFigures | undefined, replicas?: readonly ReplicaFigures[]): void;
  setControl(control: ControlFigures): void;
  setAudit(status: AuditStatus): void;
  setBuildInfo(build: { readonly version: string; readonly engine: string; readonly environment: string }): void;
  /** Undefined: the engine has no metrics of its own. */
  setEngineMetrics(up: boolean | undefined): void;
}

/** Registers them all. */
export function figures(registry: Registry): Figures {
  const engine = engineFigures(registry);
  const control = controlFigures(registry);
  const audit = auditFigures(registry);
  const engineMetrics = setter(metrics.engineMetrics, registry);
  const buildInfo = setter(metrics.buildInfo, registry);
  return {
    setEngine: engine,
    setControl: control,
    setAudit: audit,
    setBuildInfo: (build) => buildInfo([[{ ...build }, 1]]),
    setEngineMetrics: (up) => engineMetrics(up === undefined ? [] : [[{}, up ? 1 : 0]]),
  };
}

function engineFigures(registry: Registry): Figures['setEngine'] {
  const keptDecisions = setter(metrics.keptDecisions, registry);
  const unrecorded = setter(metrics.auditUnrecorded, registry);
  const questions = setter(metrics.gateQuestions, registry);
  const inFlight = setter(metrics.endpointInFlight, registry);
  const state = setter(metrics.endpointState, registry);
  const lacks = setter(metrics.endpointLacks, registry);
  const queues = queueFigures(registry);
  const traffic = trafficFigures(registry);
  const streams = setter(metrics.openStreams, registry);
  return (engine, replicas = []) => {
    const endpoints = engine?.endpoints ?? [];
    keptDecisions(engine === undefined ? [] : [[{}, engine.keptDecisions]]);
    unrecorded(engine?.unrecordedCalls === undefined ? [] : [[{}, engine.unrecordedCalls]]);
    questions(engine?.questions === undefined ? [] : [[{}, engine.questions]]);
    inFlight(endpoints.map(({ service, address, inFlight: calls }) => [{ service, endpoint: address }, calls]));
    state(statesOf(endpoints, replicas));
    lacks(replicas.map(({ service, address, lacks: number }) => [{ service, endpoint: address }, number]));
    queues(engine?.queues ?? []);
    traffic(engine?.traffic ?? []);
    streams(Object.entries(engine?.streams?.byService ?? {}).map(([service, open]) => [{ service }, open]));
  };
}

const states = ['up', 'ejected', 'down'] as const;

/** Down is what polling says; ejected is what the engine found. A replica of neither is up. */
function statesOf(endpoints: EngineFigures['endpoints'], replicas: readonly ReplicaFigures[]): Parameters<Sets>[0] {
  const down = new Set(replicas.filter(({ isUp }) => !isUp).map(({ service, address }) => `${service}\n${address}`));
  return endpoints.flatMap(({ service, address, isEjected }) => {
    const is = down.has(`${service}\n${address}`) ? 'down' : isEjected === true ? 'ejected' : 'up';
    return states.map((state) => [{ service, endpoint: address, state }, state === is ? 1 : 0] as const);
  });
}

function queueFigures(registry: Registry): (queues: NonNullable<EngineFigures['queues']>) => void {
  const waiting = setter(metrics.queueWaiting, registry);
  const inFlight = setter(metrics.queueInFlight, registry);
  return (queues) => {
    const labels = ({ service, model = '' }: (typeof queues)[number]) => ({ service, model });
    waiting(queues.map((queue) => [labels(queue), queue.waiting]));
    inFlight(queues.map((queue) => [labels(queue), queue.inFlight]));
  };
}

function trafficFigures(registry: Registry): (traffic: readonly TrafficFigures[]) => void {
  const counters = (['retries', 'retriesRefused', 'ejections', 'coalesced'] as const).map(
    (name) => [name, setter(metrics[name], registry)] as const,
  );
  const refusals = setter(metrics.queueRefusals, registry);
  return (traffic) => {
    for (const [name, set] of counters) set(traffic.map((counts) => [{ service: counts.service }, counts[name]]));
    refusals(
      traffic.flatMap(({ service, queueFull, queueTimeouts }) => [
        [{ service, why: 'full' }, queueFull],
        [{ service, why: 'timeout' }, queueTimeouts],
      ]),
    );
  };
}

function controlFigures(registry: Registry): Figures['setControl'] {
  const reloads = setter(metrics.reloads, registry);
  const lastGood = setter(metrics.lastGoodReload, registry);
  const inForce = setter(metrics.filesInForce, registry);
  const certificates = setter(metrics.certificateEnd, registry);
  const spans = setter(metrics.spans, registry);
  return (control) => {
    reloads(Object.entries(control.reloads).map(([outcome, number]) => [{ outcome }, number]));
    lastGood([[{}, control.lastGoodReloadMs / 1000]]);
    inForce([[{}, control.filesInForce ? 1 : 0]]);
    certificates(control.certificates.map(({ listener, endMs }) => [{ listener }, endMs / 1000]));
    spans(Object.entries(control.spans ?? {}).map(([result, number]) => [{ result }, number]));
  };
}

/** The audit writer's own figures; its counters go on over restarts. */
function auditFigures(registry: Registry): Figures['setAudit'] {
  const events = setter(metrics.auditEvents, registry);
  const unreadable = setter(metrics.auditUnreadable, registry);
  const lag = setter(metrics.auditLag, registry);
  const behind = setter(metrics.auditBehind, registry);
  const recording = setter(metrics.auditRecording, registry);
  return (status) => {
    events([[{}, status.position]]);
    unreadable([[{}, status.unreadable]]);
    lag([[{}, status.lagMs / 1000]]);
    behind([[{}, status.behindBytes]]);
    recording([[{}, status.state === 'ok' ? 1 : 0]]);
  };
}
