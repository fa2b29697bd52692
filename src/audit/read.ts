import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { blocksOf } from './blocks.ts';
import { pollMs } from './bounds.ts';
import { readEvent } from './chain-line.ts';
import { listSegments, type Segment, utcDay } from './segments.ts';
import type { ChainEvent } from './types.ts';

export interface ReadOptions {
  /** Wait for what comes, over rotations, until `signal` says enough. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Only events at or after this time. Milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Subject or id of the caller, exactly. */
  readonly caller?: string;
  readonly model?: string;
  readonly rule?: string;
  readonly outcome?: 'allow' | 'deny';
  /** A single call. */
  readonly requestId?: string;
  /** Only the last so many that match, before following. */
  readonly last?: number;
}

/**
 * Events of an audit directory in the order of the chain, without checking it (`verifyAudit` does). Lines that can't be read
 * are passed over. Reads beside a running writer: a block still being written waits for its seal.
 */
export async function* readAudit(directory: string, options: ReadOptions = {}): AsyncGenerator<ChainEvent> {
  const cursor: Cursor = { position: 0, segment: undefined, offset: 0 };
  const kept: ChainEvent[] = [];
  const { last } = options;
  for (const event of readOn(directory, cursor, options)) {
    if (last === undefined) yield event;
    else if (kept.push(event) > last) kept.shift();
  }
  yield* kept;
  while (options.follow === true && options.signal?.aborted !== true) {
    yield* readOn(directory, cursor, options);
    await sleep(pollMs, undefined, options.signal && { signal: options.signal }).catch(() => undefined);
  }
}

/** How far a reader has come. */
interface Cursor {
  position: number;
  segment: string | undefined;
  offset: number;
}

function* readOn(directory: string, cursor: Cursor, options: ReadOptions): Generator<ChainEvent> {
  const segments = listSegments(directory);
  const at = segments.findIndex(({ name }) => name === cursor.segment);
  const from = at < 0 ? firstOf(segments, options.sinceMs) : at;
  for (const segment of segments.slice(from)) {
    if (segment.name !== cursor.segment) Object.assign(cursor, { segment: segment.name, offset: 0 });
    yield* readSegment(segment, cursor, options);
  }
}

/** The segment to begin with: one before the day on which `sinceMs` falls, since that may still hold its first moments. */
function firstOf(segments: readonly Segment[], sinceMs = 0): number {
  const day = utcDay(sinceMs);
  const next = segments.findIndex(({ day: begun }) => begun >= day);
  return Math.max(0, (next < 0 ? segments.length : next) - 1);
}

function* readSegment(segment: Segment, cursor: Cursor, options: ReadOptions): Generator<ChainEvent> {
  const fd = openSync(segment.path, 'r');
  try {
    for (const { lines, state, seal, end } of blocksOf(fd, cursor.offset)) {
      if (state === 'open') return;
      cursor.offset = end;
      // Where lines were added or removed, the last ones are taken for those that the seal counts.
      const before = seal === undefined ? cursor.position : seal.last - lines.length;
      for (const [at, line] of lines.entries()) {
        const event = readEvent(line, before + at + 1);
        if (event === undefined || event.position <= cursor.position) continue;
        cursor.position = event.position;
        if (matches(event, options)) yield event;
      }
    }
  } finally {
    closeSync(fd);
  }
}

function matches(event: ChainEvent, options: ReadOptions): boolean {
  if (options.sinceMs !== undefined && event.timeMs < options.sinceMs) return false;
  if (event.kind !== 'call' && event.kind !== 'opened') return !asksAboutCalls(options);
  const { caller, model, rule, outcome, requestId } = options;
  const { core } = event;
  if (caller !== undefined && core.caller?.subject !== caller && core.caller?.id !== caller) return false;
  if (model !== undefined && core.model !== model) return false;
  if (rule !== undefined && core.rule !== rule) return false;
  if (requestId !== undefined && event.requestId !== requestId) return false;
  return outcome === undefined || core.outcome === outcome;
}

function asksAboutCalls({ caller, model, rule, outcome, requestId }: ReadOptions): boolean {
  return [caller, model, rule, outcome, requestId].some((asked) => asked !== undefined);
}
