import { Block } from '../block.ts';
import type { ChainedCalls, ParsedRecord } from '../types.ts';

/** These calls as the chain tells of them, in a block of their own. */
export function chainedCalls(records: readonly ParsedRecord[]): ChainedCalls {
  const block = new Block();
  for (const record of records) {
    if (!block.addCall(record)) throw new RangeError('more than a block holds');
  }
  return block.seal({ previous: '', spool: 'embedded-w1-1.spool', from: 0, end: 1, timeMs: 0, position: 0 }).calls;
}
