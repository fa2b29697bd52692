import { readFileSync } from 'node:fs';

const established = '01';
const connecting = '02';

/** Connections to a port of 127.0.0.1 that their client's side has open, or waits for. */
export function connectionsTo(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .filter((line) => {
      const [, , to, state] = line.trim().split(/\s+/);
      return to === remote && (state === established || state === connecting);
    }).length;
}

/** Memory that processes hold at the moment, together. Bytes. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kilobytesOf(pid) * 1024, 0);
}

function kilobytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
}
