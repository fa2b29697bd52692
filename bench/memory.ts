import { readFileSync } from 'node:fs';
import { treeOf } from './cpu.ts';

/** Resident memory of a process and of everything it started, in kB. Linux only: `/proc`. */
export function residentKbOf(rootPid: number): number {
  return treeOf(rootPid).reduce((sum, pid) => sum + residentKb(pid), 0);
}

/** A process that is gone has none. */
function residentKb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
