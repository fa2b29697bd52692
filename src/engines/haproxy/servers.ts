import type { UpstreamPlan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import { replicaName } from './names.ts';
import { type Directive, directive } from './print.ts';

/** Replicas that a call is tried on. */
const triesMax = 4;

/** What a backend speaks to its servers. */
export type ServerKind = 'rest' | 'grpc';

interface Manner {
  /** Of `http-reuse`: how far calls of several clients share connections. */
  readonly reuse: 'safe' | 'always';
  /** Words behind a server's address. */
  readonly server: readonly string[];
}

const manners: Readonly<Record<ServerKind, Manner>> = {
  rest: { reuse: 'safe', server: [] },
  // Calls of many callers share a connection: HTTP/2 keeps them apart.
  grpc: { reuse: 'always', server: ['proto', 'h2'] },
};

/** What a backend says of its servers; nothing where no replica speaks what it speaks. */
export function serverLines({ endpoints }: UpstreamPlan, kind: ServerKind): Directive[] {
  const { reuse, server } = manners[kind];
  const servers = endpoints.flatMap(({ [kind]: address }, index) =>
    address === undefined ? [] : [directive(['server', replicaName(index + 1), printHostPort(address), ...server])],
  );
  if (servers.length === 0) return [];
  return [
    directive(['balance', 'leastconn']),
    directive(['http-reuse', reuse]),
    // One try for each replica: a further one for the same would wait a second.
    directive(['retries', Math.min(triesMax, servers.length) - 1]),
    ...servers,
  ];
}
