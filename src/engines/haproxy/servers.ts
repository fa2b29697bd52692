import type { AddressPlan, UpstreamPlan } from '../../plan/types.ts';
import { printHostPort } from '../../std/host-port.ts';
import { replicaName } from './names.ts';
import { type Directive, directive } from './print.ts';
import type { Slots } from './slots.ts';
import { apartLines } from './streams-apart.ts';
import { trafficLines } from './traffic-lines.ts';

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

/** Stands in a free slot, which gets no calls. */
const nowhere = '127.0.0.1:1';

/** What a backend says of its servers; nothing where no replica speaks what it speaks. */
export function serverLines(upstream: UpstreamPlan, kind: ServerKind, slots: Slots): Directive[] {
  if (!upstream.endpoints.some(({ [kind]: address }) => address !== undefined)) return [];
  const { reuse, server } = manners[kind];
  return [
    directive(['balance', 'leastconn']),
    directive(['http-reuse', reuse]),
    ...trafficLines(upstream, kind),
    ...(kind === 'grpc' ? apartLines() : []),
    ...slotLines(slots, kind, server),
  ];
}

/** A slot a server; those that are free side by side are one line. */
function slotLines(slots: Slots, kind: ServerKind, manner: readonly string[]): Directive[] {
  const lines: Directive[] = [];
  const write = (first: number, end: number, address: AddressPlan | undefined, isUp: boolean): void => {
    const state = isUp ? [] : ['disabled'];
    if (address !== undefined) {
      lines.push(directive(['server', replicaName(first + 1), printHostPort(address), ...manner, ...state]));
    } else {
      const range = `${first + 1}-${end}`;
      lines.push(directive(['server-template', replicaName(''), range, nowhere, ...manner, ...state]));
    }
  };
  for (let index = 0; index < slots.length; ) {
    const replica = slots[index];
    const address = replica?.[kind];
    let end = index + 1;
    if (address === undefined) while (end < slots.length && slots[end]?.[kind] === undefined) end += 1;
    write(index, end, address, address !== undefined && replica?.isUp === true);
    index = end;
  }
  return lines;
}
