import { PassThrough, type Readable } from 'node:stream';
import { bodyBytesMax } from '../../std/limits.ts';
import type { Incoming } from './request.ts';

/** Bodies up to this size are held whole, so that another replica can be tried. */
export const heldBodyBytesMax = 65_536;

/** The body: whole where it is small, as a stream where it isn't, null where there is none. */
export function readBody(incoming: Incoming): Promise<Buffer | Readable | null | 'too-large' | 'left'> {
  const length = incoming.headers['content-length'];
  if (Number(length ?? 0) > bodyBytesMax) return Promise.resolve('too-large');
  if (length === undefined && incoming.headers['transfer-encoding'] === undefined && incoming.httpVersionMajor === 1)
    return Promise.resolve(null);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let held = 0;
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      held += chunk.length;
      if (held <= heldBodyBytesMax) return;
      incoming.pause();
      incoming.off('data', onData).off('end', onEnd);
      resolve(streamed(incoming, chunks));
    };
    const onEnd = (): void =>
      resolve(held === 0 ? (length === undefined ? null : Buffer.alloc(0)) : Buffer.concat(chunks));
    incoming.on('data', onData).on('end', onEnd);
    incoming.once('aborted', () => resolve('left')).once('error', () => resolve('left'));
  });
}

function streamed(incoming: Incoming, first: readonly Buffer[]): Readable {
  const whole = new PassThrough();
  for (const chunk of first) whole.write(chunk);
  incoming.pipe(whole);
  incoming.once('aborted', () => whole.destroy(new Error('the caller left')));
  return whole;
}
