import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One file of the chain. Names sort by time and by position. */
export interface Segment {
  readonly name: string;
  readonly path: string;
  /** UTC day it was begun on: `2026-11-21`. */
  readonly day: string;
  /** Position of its first event. */
  readonly first: number;
}

const form = /^audit-(\d{4}-\d{2}-\d{2})-(\d{16})\.ndjson$/;

/** Name of the segment that starts with this position: `audit-2026-11-21-0000000000000001.ndjson`. */
export function segmentName(day: string, first: number): string {
  return `audit-${day}-${String(first).padStart(16, '0')}.ndjson`;
}

/** The UTC day of a time in milliseconds since the epoch. */
export function utcDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** The segments of an audit directory in the order of the chain; other files there are left alone. Throws where it can't be read. */
export function listSegments(directory: string): Segment[] {
  return readdirSync(directory)
    .flatMap((name) => segment(directory, name))
    .sort((a, b) => a.first - b.first);
}

function segment(directory: string, name: string): Segment[] {
  const match = form.exec(name);
  if (match === null) return [];
  return [{ name, path: join(directory, name), day: match[1] as string, first: Number(match[2]) }];
}
