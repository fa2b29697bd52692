import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gateLookMs } from '../../std/limits.ts';
import { endCalls } from './end-calls.ts';
import { backends, gateServer, variables } from './names.ts';
import { openCommand, readOpenCalls } from './open-calls.ts';
import { findPredecessors } from './predecessors.ts';
import type { Predecessor } from './process.ts';
import { RuntimeApi } from './runtime-api.ts';
import { socketDirectory } from './sockets.ts';

/**
 * Ends all that processes of earlier lives have kept, by an epoch that nothing was kept under: each call that still comes to them
 * is a miss, which the gate of now answers; and the calls that they have let in and that are open. One that can't be asked is told of: what it keeps ends by itself, within minutes.
 */
export async function endKept(earlier: readonly Predecessor[], log: (line: string) => void): Promise<void> {
  const epoch = `ended.${randomBytes(6).toString('hex')}`;
  await Promise.all(
    earlier.map(async ({ pid, adminSocket }) => {
      if (adminSocket === undefined) return;
      const api = new RuntimeApi(adminSocket);
      try {
        // It would refuse misses until its next look at the gate; and one connection that still breaks off would have it wait for another.
        await api.ask(`set server ${backends.gate}/${gateServer} health up`);
        await sleep(2 * gateLookMs);
        await api.ask(`set server ${backends.gate}/${gateServer} health up`);
        await api.ask(`set var ${variables.epoch} str(${epoch})`);
        await endOpen(api);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        log(`haproxy: what the process ${pid} of an earlier life keeps could not be ended: ${why}`);
      } finally {
        api.close();
      }
    }),
  );
}

/** Nobody knows any more by which permits calls are open that an earlier life let in, so that none outlives its access. */
async function endOpen(api: RuntimeApi): Promise<void> {
  const open = readOpenCalls(await api.read(openCommand)) ?? [];
  const process = {
    read: (command: string) => api.read(command),
    batch: (orders: readonly string[]) => api.batch(orders),
  };
  await endCalls(
    process,
    open.map(({ requestId }) => requestId),
  );
}

/** Process ids of HAProxy processes that run for a state folder. Without a gate, they go on with what they keep. */
export async function livingProcesses(state: string): Promise<readonly number[]> {
  const earlier = await findPredecessors({
    directory: resolve(state, 'haproxy'),
    sockets: socketDirectory({ state }),
  });
  return earlier.map(({ pid }) => pid);
}
