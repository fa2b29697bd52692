import type { HeadgateStatus, ReplicaStatus } from '../control/index.ts';
import { counted } from './counted.ts';
import { span } from './span.ts';

type Row = [string, string];
type Endpoint = HeadgateStatus['running']['endpoints'][number];

/** Every replica with how it is, what it waits for, and names that can't be resolved. */
export function replicaRows({ replicas, running }: HeadgateStatus, nowMs: number): Row[] {
  const known = new Map(replicas.replicas.map((replica) => [`${replica.service} ${replica.address}`, replica]));
  const listed = new Set(running.endpoints.map(({ service, address }) => `${service} ${address}`));
  // The engine hears of a replica a moment later than control.
  const coming = replicas.replicas.filter(({ service, address }) => !listed.has(`${service} ${address}`));
  return [
    ...running.endpoints.flatMap((endpoint) => {
      return rowsOf(endpoint, known.get(`${endpoint.service} ${endpoint.address}`), nowMs);
    }),
    ...coming.flatMap((replica) => rowsOf({ ...replica, inFlight: 0 }, replica, nowMs)),
    ...replicas.names.map(({ name, addresses, fault, since }): Row => {
      const found = counted(addresses.length, 'address', 'addresses');
      if (fault === undefined) return [`name ${name}`, found];
      return [`name ${name}`, `NOT RESOLVED ${ago(since, nowMs)} (${fault}): ${found} from before`];
    }),
  ];
}

function rowsOf(endpoint: Endpoint, replica: ReplicaStatus | undefined, nowMs: number): Row[] {
  const { service, address, inFlight, isEjected } = endpoint;
  const parts = [
    replica?.grpc === undefined || replica.grpc === address ? address : `${address} (gRPC ${replica.grpc})`,
    ...(replica === undefined ? [] : stateText(replica, nowMs)),
    ...(isEjected === true ? ['PASSED OVER because it failed'] : []),
    `${inFlight} in flight`,
  ];
  return [[`endpoint ${service}`, parts.join(', ')], ...(replica === undefined ? [] : waitRows(replica, nowMs))];
}

function stateText({ state, since, why }: ReplicaStatus, nowMs: number): string[] {
  switch (state) {
    case 'up':
      return [`up ${ago(since, nowMs)}`];
    case 'down':
      return [`DOWN ${ago(since, nowMs)}${why === undefined ? '' : `: ${why}`}`];
    case 'unknown':
      return ['not heard of yet'];
    case 'unchecked':
      return [];
    default:
      return state satisfies never;
  }
}

function waitRows({ state, waitsFor, waits, unasked, without }: ReplicaStatus, nowMs: number): Row[] {
  if (state !== 'up') return [];
  const rows = waitsFor.map(({ what, since, loading }): Row => {
    return ['', `waits for ${what} ${ago(since, nowMs)}${loading ? ', which is loading' : ''}`];
  });
  const more = waits - waitsFor.length;
  if (more > 0) rows.push(['', `and for ${counted(more, 'other')}`]);
  if (unasked > 0) rows.push(['', `not asked for ${counted(unasked, 'model')} yet`]);
  if (without > 0) rows.push(['', `does not have ${counted(without, 'model')}`]);
  return rows;
}

/** `since 12 s` */
function ago(since: string | undefined, nowMs: number): string {
  return `since ${span(nowMs - Date.parse(since ?? new Date(nowMs).toISOString()))}`;
}
