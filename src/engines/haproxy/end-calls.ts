import { counterOf, endCommand, readStreams, streamsCommand } from './open-calls.ts';
import type { WatchedProcess } from './stream-watch.ts';

/** What HAProxy answers where a stream has ended by itself. */
const isGone = /^No such session/;

/**
 * Ends calls of one process by their requests' ids; `onFound` hears of those that are there still, before they are ended. HAProxy knows its
 * streams by pointers, which are asked for at once before, so that none is another's by then. Faults as sentences.
 */
export async function endCalls(
  { read, batch }: Pick<WatchedProcess, 'read' | 'batch'>,
  ids: Iterable<string>,
  onFound: (requestId: string) => void = () => undefined,
): Promise<string[]> {
  const byCounter = new Map([...ids].map((id) => [counterOf(id), id]));
  if (byCounter.size === 0) return [];
  const found = readStreams(await read(streamsCommand)).filter(({ counter }) => byCounter.has(counter));
  for (const { counter } of found) onFound(byCounter.get(counter) ?? '');
  const answers = await batch(found.map(({ pointer }) => endCommand(pointer)));
  return answers.filter((answer) => !isGone.test(answer));
}
