import { closeSync, openSync } from 'node:fs';
import { firstPrevious, readChainLine } from './chain-line.ts';
import { type Checkpoint, checkpointName, readCheckpoint } from './checkpoint.ts';
import { linesOf } from './recover.ts';
import { listSegments, type Segment } from './segments.ts';
import { createSequences, type Sequences } from './sequences.ts';
import type { ChainEvent } from './types.ts';

export type FindingKind =
  | 'line-unreadable'
  | 'line-torn'
  | 'hash-wrong'
  | 'chain-broken'
  | 'position-gap'
  | 'position-repeated'
  | 'segment-misnamed'
  | 'head-missing'
  | 'tail-missing'
  | 'checkpoint-missing'
  | 'checkpoint-unreadable'
  | 'checkpoint-differs'
  | 'record-missing'
  | 'record-repeated'
  | 'spool-line-unreadable';

/** One thing that is not as it must be. */
export interface AuditFinding {
  readonly kind: FindingKind;
  /** `warning`: the chain itself holds. */
  readonly severity: 'error' | 'warning';
  /** One sentence, no full stop. */
  readonly message: string;
  /** Name of the file in the audit directory. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
}

export interface AuditVerdict {
  /** No error among the findings. */
  readonly intact: boolean;
  /** The first 1,000. */
  readonly findings: readonly AuditFinding[];
  /** How many there are in all. */
  readonly found: number;
  readonly segments: number;
  readonly events: number;
  readonly calls: number;
  /** Spool lines that no parser could read. */
  readonly unreadable: number;
  readonly workers: number;
  readonly firstPosition: number;
  readonly lastPosition: number;
  /** Hash of the last event. Kept elsewhere, it proves later that this chain is still the same up to there. */
  readonly lastHash: string;
}

const findingsMax = 1000;
/** Lines after which other work gets its turn. */
const linesPerTurn = 2000;

/**
 * Checks a whole audit directory: each line's hash, the chain, positions over all segments, workers' sequences, and the end
 * against the checkpoint. Throws only where the directory can't be read. What it can't see: a chain that someone who may
 * write here made anew, checkpoint and all (compare `lastHash` with one kept elsewhere); a tail cut off before the last
 * checkpoint was written back to fit; records lost after the last line of their worker.
 */
export async function verifyAudit(directory: string): Promise<AuditVerdict> {
  const check = new ChainCheck();
  const checkpoint = checkpointOf(directory, check);
  const segments = listSegments(directory);
  check.begin(segments[0], checkpoint);
  for (const segment of segments) await checkSegment(segment, check);
  check.end(segments.length);
  return check.verdict(segments.length);
}

function checkpointOf(directory: string, check: ChainCheck): Checkpoint | undefined {
  try {
    return readCheckpoint(directory);
  } catch (error) {
    check.find('checkpoint-unreadable', { file: checkpointName, message: (error as Error).message });
    return undefined;
  }
}

async function checkSegment(segment: Segment, check: ChainCheck): Promise<void> {
  const fd = openSync(segment.path, 'r');
  try {
    let line = 0;
    for (const { text, whole } of linesOf(fd, 0)) {
      line += 1;
      const place = { file: segment.name, line };
      if (whole) check.line(text, place, line === 1 ? segment.first : undefined);
      else
        check.find('line-torn', {
          ...place,
          message: 'the last line has no end: a write was cut off, or is under way',
        });
      if (line % linesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(fd);
  }
}

interface Place {
  readonly file: string;
  readonly line: number;
}

const warnings: ReadonlySet<FindingKind> = new Set(['line-torn', 'checkpoint-missing', 'spool-line-unreadable']);

class ChainCheck {
  readonly #findings: AuditFinding[] = [];
  #found = 0;
  #errors = 0;
  #position = 0;
  #hash = firstPrevious;
  #firstPosition = 0;
  #events = 0;
  #unreadable = 0;
  #keyActs = 0;
  #checkpoint: Checkpoint | undefined;
  #sequences: Sequences = createSequences(true);

  find(kind: FindingKind, finding: { message: string; file?: string; line?: number }): void {
    const severity = warnings.has(kind) ? 'warning' : 'error';
    this.#found += 1;
    if (severity === 'error') this.#errors += 1;
    if (this.#findings.length < findingsMax) this.#findings.push({ kind, severity, ...finding });
  }

  begin(first: Segment | undefined, checkpoint: Checkpoint | undefined): void {
    this.#checkpoint = checkpoint;
    if (first === undefined || first.first === 1) return;
    this.find('head-missing', { file: first.name, line: 1, message: `positions 1 to ${first.first - 1} are missing` });
    this.#position = first.first - 1;
    this.#hash = '';
    this.#sequences = createSequences(false);
  }

  line(text: string, place: Place, first: number | undefined): void {
    const read = readChainLine(text);
    this.#events += 1;
    if (read.event === undefined) {
      this.find('line-unreadable', { ...place, message: `the line ${read.fault}` });
      return;
    }
    const { event, intact } = read;
    if (!intact)
      this.find('hash-wrong', { ...place, message: `event ${event.position} was changed: its hash is another` });
    this.#follows(event, place);
    if (first !== undefined && event.position !== first) {
      this.find('segment-misnamed', {
        ...place,
        message: `begins with position ${event.position}, its name says ${first}`,
      });
    }
    this.#record(event, place);
    if (this.#firstPosition === 0) this.#firstPosition = event.position;
    this.#position = Math.max(this.#position, event.position);
    this.#hash = event.hash;
    this.#meetsCheckpoint(event, place);
  }

  #follows(event: ChainEvent, place: Place): void {
    const expected = this.#position + 1;
    const { position } = event;
    if (position > expected) {
      this.find('position-gap', { ...place, message: `positions ${expected} to ${position - 1} are missing` });
    } else if (position < expected) {
      this.find('position-repeated', { ...place, message: `position ${position} stands after ${expected - 1}` });
    } else if (this.#hash !== '' && event.previous !== this.#hash) {
      this.find('chain-broken', { ...place, message: `event ${position} does not follow the event before it` });
    }
  }

  #record(event: ChainEvent, place: Place): void {
    if (event.kind === 'unreadable') {
      this.#unreadable += 1;
      const message = `a line of ${event.spool} could not be read: ${event.fault}`;
      this.find('spool-line-unreadable', { ...place, message });
    } else if (event.kind === 'key') {
      this.#keyActs += 1;
    } else if (!this.#sequences.see(event.worker, event.sequence, place.file, place.line)) {
      const message = `record ${event.sequence} of worker ${event.worker} is there twice`;
      this.find('record-repeated', { ...place, message });
    }
  }

  #meetsCheckpoint(event: ChainEvent, place: Place): void {
    if (event.position !== this.#checkpoint?.position || event.hash === this.#checkpoint.hash) return;
    this.find('checkpoint-differs', {
      ...place,
      message: `event ${event.position} is not the one that ${checkpointName} names`,
    });
  }

  end(segments: number): void {
    for (const { worker, from, to, file, line } of this.#sequences.gaps()) {
      const which = from === to ? `record ${from}` : `records ${from} to ${to}`;
      this.find('record-missing', { file, line, message: `${which} of worker ${worker} never came` });
    }
    const known = this.#checkpoint?.position ?? 0;
    if (known > this.#position) {
      const message = `positions ${this.#position + 1} to ${known} are missing: the chain was longer`;
      this.find('tail-missing', { file: checkpointName, message });
    }
    if (this.#checkpoint === undefined && segments > 0) {
      this.find('checkpoint-missing', {
        file: checkpointName,
        message: 'without it a tail that was cut off is not seen',
      });
    }
  }

  verdict(segments: number): AuditVerdict {
    return {
      intact: this.#errors === 0,
      findings: this.#findings,
      found: this.#found,
      segments,
      events: this.#events,
      calls: this.#events - this.#unreadable - this.#keyActs,
      unreadable: this.#unreadable,
      workers: this.#sequences.count(),
      firstPosition: this.#firstPosition,
      lastPosition: this.#position,
      lastHash: this.#hash,
    };
  }
}
