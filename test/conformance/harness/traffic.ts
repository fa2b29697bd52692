import { type ClientRequest, request } from 'node:http';
import type { Feature } from '../../../src/engines/engine.ts';
import type { EngineName } from '../../../src/plan/types.ts';
import type { Answer } from './client.ts';
import { engines, eventually, type Gateway } from './gateway.ts';

/** Engines that are here and carry calls in this way, natively or by another's help. */
export function enginesWith(feature: Feature): EngineName[] {
  const asked = process.env.HEADGATE_ENGINES?.split(',');
  const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);
  return present.filter((name) => engines[name].capabilities[feature] !== 'refused');
}

/** A call that can be left. */
export interface Leaving {
  readonly answer: Promise<Answer | 'left'>;
  leave(): void;
}

/** A POST on a connection of its own. */
export function post(port: number, target: string, headers: readonly string[], body: string): Leaving {
  let sending: ClientRequest | undefined;
  const answer = new Promise<Answer | 'left'>((resolve) => {
    const length = ['content-length', String(Buffer.byteLength(body))];
    const host = headers.includes('host') ? [] : ['host', 'headgate.test'];
    const fields = [...host, ...headers, ...length];
    const options = { host: '127.0.0.1', port, method: 'POST', path: target, setHost: false, agent: false } as const;
    sending = request({ ...options, headers: fields }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve('left'));
      response.on('end', () => {
        const got = response.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
        resolve({ status: response.statusCode ?? 0, headers: got, body: Buffer.concat(chunks).toString('latin1') });
      });
    });
    sending.on('error', () => resolve('left'));
    sending.end(body);
  });
  return { answer, leave: () => void sending?.destroy() };
}

/** Waits until the engine says so of a queue. */
export function untilQueue(
  gateway: Gateway,
  wanted: { inFlight?: number; waiting?: number },
  model?: string,
): Promise<object> {
  return eventually(async () => {
    const { queues = [] } = await gateway.status();
    const queue = queues.find((each) => each.model === model);
    if (queue === undefined) return 'there is no such queue';
    const { inFlight, waiting } = queue;
    const isSo = inFlight === (wanted.inFlight ?? inFlight) && waiting === (wanted.waiting ?? waiting);
    return isSo ? queue : `the queue stands at ${JSON.stringify(queue)}, not ${JSON.stringify(wanted)}`;
  });
}
