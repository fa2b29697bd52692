import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time that a process and everything it started have used since they began, in microseconds. Linux only: `/proc`.
 * From the scheduler's own account of each thread (nanoseconds), which ends with the thread: take differences over spans in
 * which none ends.
 */
export function cpuMicrosOf(rootPid: number): number {
  return treeOf(rootPid).reduce((sum, pid) => sum + processMicros(pid), 0);
}

/** The process and all that descend from it, as far as they live. */
export function treeOf(rootPid: number): readonly number[] {
  const children = childrenByParent();
  const found = [rootPid];
  for (let at = 0; at < found.length; at += 1) found.push(...(children.get(found[at] ?? 0) ?? []));
  return found;
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return children;
}

function parentOf(pid: number): number | undefined {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold anything, parentheses too: what follows the last one is regular.
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return stat === '' ? undefined : parent;
}

function processMicros(pid: number): number {
  const tasks = listOrEmpty(`/proc/${pid}/task`);
  const nanos = tasks.map((task) => Number(readOrEmpty(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0));
  return nanos.reduce((sum, one) => sum + one, 0) / 1000;
}

/** Processes come and go while they are being looked at: one that is gone has nothing to read. */
function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

function listOrEmpty(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
