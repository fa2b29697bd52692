import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { files } from './names.ts';
import type { Predecessor } from './process.ts';

const processes = '/proc';

/** Where earlier lives have left their files. */
export interface EarlierPlaces {
  /** Holds a folder for each process, named by its worker. */
  readonly directory: string;
  readonly sockets: string;
}

/**
 * Processes of earlier lives that still run, those whose sockets can be had last: HAProxy goes on with kept decisions while its
 * gate is down. They are looked for among all that run, because a gate that is killed while it starts one can't note it down.
 */
export async function findPredecessors(places: EarlierPlaces): Promise<Predecessor[]> {
  if (!existsSync(processes)) return [];
  const found = readdirSync(processes)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => predecessorAt(pid, places))
    .sort((a, b) => a.startedTicks - b.startedTicks);
  const looked = await Promise.all(found.map(async (each) => ({ ...each, answers: await answers(each.adminSocket) })));
  const ordered = [...looked.filter(({ answers }) => !answers), ...looked.filter(({ answers }) => answers)];
  return ordered.map(({ pid, adminSocket, answers }) => (answers ? { pid, adminSocket } : { pid }));
}

interface Found {
  readonly pid: number;
  readonly adminSocket: string;
  readonly startedTicks: number;
}

/** A process whose command line names a configuration of ours. */
function predecessorAt(pid: string, { directory, sockets }: EarlierPlaces): Found[] {
  try {
    const [program = '', ...words] = readFileSync(join(processes, pid, 'cmdline'), 'utf8').split('\0');
    const path = words[words.indexOf('-f') + 1] ?? '';
    const worker = basename(dirname(path));
    if (basename(program) !== 'haproxy' || path !== join(directory, worker, files.configuration)) return [];
    // proc(5): after the name in brackets, `starttime` is the 20th field.
    const fields =
      readFileSync(join(processes, pid, 'stat'), 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ') ?? [];
    return [{ pid: Number(pid), adminSocket: join(sockets, `${worker}.sock`), startedTicks: Number(fields[19]) }];
  } catch {
    // It went in the meantime.
    return [];
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
