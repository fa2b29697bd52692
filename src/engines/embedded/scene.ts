import type { Turn } from '../../http2/index.ts';
import type { Plan } from '../../plan/types.ts';
import type { Clock } from '../../std/clock.ts';
import type { RateLimiter } from '../../traffic/index.ts';
import type { Asking } from './asking.ts';
import type { Boarding } from './boarding.ts';
import type { Call } from './call.ts';
import type { Carriages } from './carriage.ts';
import type { Exchange, StreamExchange } from './exchange.ts';
import { FieldReader } from './fields.ts';
import type { GrpcUpstreams } from './grpc-replica.ts';
import type { OpenCalls } from './open-calls.ts';
import type { AuditLines } from './spool.ts';
import type { Upstreams } from './upstreams.ts';
import { type WalkOf, walkFinder } from './walks.ts';
import type { Wheel } from './wheel.ts';

/** A request whose head is here. */
export type Arriving = {
  /** Name of the listener. */
  readonly listener: string;
} & (
  | { readonly isGrpc: false; readonly exchange: Exchange }
  | { readonly isGrpc: true; readonly exchange: StreamExchange }
);

/** Everything of a worker that its calls need. */
export interface Scene {
  /** Names this life of this worker; ids of requests begin with it. */
  readonly worker: string;
  readonly clock: Clock;
  readonly asking: Asking;
  readonly limiter: RateLimiter;
  readonly spool: AuditLines;
  readonly upstreams: Upstreams;
  readonly grpcUpstreams: GrpcUpstreams;
  /** What a request on a listener becomes. */
  readonly makeCall: (scene: Scene, request: Arriving) => Call;
  /** Calls that are open for long; undefined: another engine looks after them. */
  readonly openCalls: OpenCalls | undefined;
  /** What permitted calls go through on their way to a replica. */
  readonly boarding: Boarding;
  /** How the calls of each service are carried. */
  readonly carriages: Carriages;
  /** When calls have to be over. */
  readonly wheel: Wheel;
  /** Microseconds that, added to `performance.now()`, give a time that all threads of the machine share. */
  readonly sharedUs: number;
  /** Of the connections of HTTP/2: what is written in one turn of the event loop leaves at its end. */
  readonly turn: Turn;
  plan: Plan;
  reader: FieldReader;
  /** How the message of a gRPC call is to be walked. */
  walkOf: WalkOf;
  /** Of calls without a trace, those that spans are made of; undefined: no spans are exported. */
  samplePpm: number | undefined;
  /** Whether any condition reads the address: then it joins the keys. */
  readsAddress: boolean;
  /** Shut by control where the audit can't be kept. */
  isOpen: boolean;
  /** Calls so far. */
  calls: number;
}

/** What the scene has from a Plan. The union over all services: a key that holds more than it must is never wrong. */
export function sceneOf(plan: Plan): Pick<Scene, 'plan' | 'reader' | 'walkOf' | 'samplePpm' | 'readsAddress'> {
  const reads = Object.values(plan.access.reads);
  return {
    plan,
    reader: new FieldReader(reads.flatMap(({ headers }) => headers)),
    walkOf: walkFinder(plan),
    samplePpm: plan.telemetry?.samplePpm,
    readsAddress: reads.some(({ address }) => address),
  };
}

/** Of a clock that doesn't jump and is the same in every thread. */
export function sharedUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3;
}
