import type { QueueFacts } from '../decision/index.ts';
import type { GateRequest } from '../gate/index.ts';
import type { Identified, Identity } from '../identity/index.ts';
import { issuersOf } from '../plan/index.ts';
import type { ListenerPlan, Plan } from '../plan/types.ts';
import { printHostPort } from '../std/host-port.ts';
import { grpcCall } from './explain-grpc.ts';
import { UsageError } from './usage-error.ts';

export interface QuestionOptions {
  /** `anonymous`, `staff:alice`, `staff:client=batch-scorer`. */
  readonly as?: string;
  /** `a,b` */
  readonly groups?: string;
  /** `POST /v1/models/finance-prod:predict`, `grpc scoring/finance-prod predict`, or `grpc orders/acme.orders.v1.Orders/Get`. */
  readonly call?: string;
  /** `name: value` each. */
  readonly header?: readonly string[];
  /** ISO 8601; default: now. */
  readonly at?: string;
  /** Default: the first. */
  readonly listener?: string;
  /** Peer's IP address. Default 127.0.0.1. */
  readonly address?: string;
  /** `waiting=3,inFlight=8`; default: not known. */
  readonly queue?: string;
}

/** How long the identity that `--as` describes is good for. */
const lifetimeMs = 3_600_000;

/** Who `--as` means. Throws `UsageError`. */
export function callerOf(plan: Plan, { as = 'anonymous', groups }: QuestionOptions, nowMs: number): Identified {
  if (as === 'anonymous') {
    if (groups !== undefined)
      throw new UsageError('--groups goes with a caller who is known', 'as in --as staff:alice');
    return { kind: 'anonymous' };
  }
  const [, provider = '', isClient, name = ''] = /^([^:]+):(client=)?(.+)$/.exec(as) ?? [];
  const identity = plan.access.identities.find((each) => each.name === provider);
  if (name === '')
    throw new UsageError(`--as ${as} can't be read`, 'write anonymous, staff:alice or staff:client=batch-scorer');
  if (identity === undefined) {
    const names = plan.access.identities.map((each) => each.name).join(', ');
    throw new UsageError(`the policy has no identity ${provider}`, names === '' ? 'it has none' : `it has ${names}`);
  }
  const isOfKeys = identity.kind === 'apiKeys';
  const known: Identity = {
    provider,
    kind: isOfKeys ? 'apiKey' : 'oidc',
    issuer: issuersOf(identity)[0] ?? '',
    subject: name,
    id: 'explained',
    groups: [...new Set(listOf(groups))].sort(),
    ...((isOfKeys || isClient !== undefined) && { client: name }),
    expiresAtMs: nowMs + lifetimeMs,
  };
  return { kind: 'identity', identity: known };
}

export function listOf(text = ''): string[] {
  return text.split(',').filter((part) => part !== '');
}

/** The request that `--call` means, without a credential. Throws `UsageError`. */
export function requestOf(
  plan: Plan,
  { call = '', header = [], address = '127.0.0.1', listener }: QuestionOptions,
): GateRequest {
  const at = listenerOf(plan, listener);
  const headers = header.flatMap(headerPair);
  const host = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'host');
  const authority = host < 0 ? defaultHost(at) : (headers[host + 1] ?? '');
  const known = { id: 'explain', listener: at.name, authority, headers, address };
  const grpc = /^\s*grpc\s+(.*)$/i.exec(call)?.[1];
  if (grpc !== undefined) return { ...known, ...grpcCall(plan, at, grpc) };
  const [, method = '', target = ''] = /^\s*([A-Za-z]+)\s+(\S+)\s*$/.exec(call) ?? [];
  if (target === '')
    throw new UsageError(
      `--call ${call} can't be read`,
      'write \'--call "POST /v1/models/NAME:predict"\', \'--call "grpc SERVICE/MODEL predict"\' or \'--call "grpc SERVICE/acme.v1.Orders/Get"\'',
    );
  return { ...known, method: method.toUpperCase(), target };
}

function listenerOf({ listeners }: Plan, name: string | undefined): ListenerPlan {
  const found = name === undefined ? listeners[0] : listeners.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`there is no listener ${name}`, `there is ${listeners.map((each) => each.name).join(', ')}`);
}

/** What a client that calls the listener by its address sends, or else the first route's host. */
function defaultHost({ address, routes }: ListenerPlan): string {
  return routes.find((route) => route.host !== undefined)?.host ?? printHostPort(address);
}

/** `--header` as name and value. Throws `UsageError`. */
export function headerPair(text: string): [string, string] {
  const [, name = '', value = ''] = /^([^:\s]+)\s*:\s*(.*)$/.exec(text) ?? [];
  if (name === '') throw new UsageError(`--header ${text} can't be read`, 'write \'--header "x-region: eu"\'');
  return [name, value];
}

/** `--queue` as what the queue holds; undefined: not known. Throws `UsageError`. */
export function queueOf(text: string | undefined): QueueFacts | undefined {
  if (text === undefined) return undefined;
  const [, waiting, inFlight] = /^waiting=([0-9]{1,9}),inFlight=([0-9]{1,9})$/.exec(text) ?? [];
  if (waiting === undefined)
    throw new UsageError(`--queue ${text} can't be read`, 'write --queue waiting=3,inFlight=8');
  return { waiting: Number(waiting), inFlight: Number(inFlight) };
}

/** `--at` in milliseconds since the epoch. Throws `UsageError`. */
export function momentOf(at: string | undefined, nowMs: number): number {
  if (at === undefined) return nowMs;
  const momentMs = Date.parse(at);
  if (Number.isNaN(momentMs)) throw new UsageError(`--at ${at} is not a time`, 'write it like 2026-11-21T22:30:00Z');
  return momentMs;
}
