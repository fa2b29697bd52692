import type { StoredBlock } from './blocks.ts';
import { firstPrevious, readEvent } from './chain-line.ts';
import { type Checkpoint, checkpointName } from './checkpoint.ts';
import type { Segment } from './segments.ts';
import { createSequences, type Sequences } from './sequences.ts';
import type { AuditEvent, ChainEvent, Seal } from './types.ts';
import { UnclosedCalls } from './unclosed.ts';
import { unrecordedText } from './unrecorded.ts';

export type FindingKind =
  | 'line-unreadable'
  | 'block-unsealed'
  | 'block-miscounted'
  | 'seal-unreadable'
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
  | 'spool-line-unreadable'
  | 'calls-unrecorded'
  | 'calls-unclosed';

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
  readonly blocks: number;
  readonly events: number;
  readonly calls: number;
  /** Calls that were told of as open, and whose end is not in the chain. */
  readonly unclosed: number;
  /** Spool lines that no parser could read. */
  readonly unreadable: number;
  readonly workers: number;
  readonly firstPosition: number;
  readonly lastPosition: number;
  /** Hash of the last block. Kept elsewhere, it proves later that this chain is still the same up to there. */
  readonly lastHash: string;
}

/** A block, and where it stands. */
export interface PlacedBlock extends StoredBlock {
  readonly file: string;
  /** Line of the segment that it begins on, from 1. */
  readonly line: number;
  /** The position that the segment's name says it begins with; only for its first block. */
  readonly named?: number;
  readonly isLastSegment: boolean;
}

const findingsMax = 1000;
const warnings: ReadonlySet<FindingKind> = new Set([
  'checkpoint-missing',
  'spool-line-unreadable',
  'calls-unrecorded',
  'calls-unclosed',
]);

/** Checks blocks, one after the other, over all segments. */
export class ChainCheck {
  readonly #findings: AuditFinding[] = [];
  #found = 0;
  #errors = 0;
  #position = 0;
  #hash = firstPrevious;
  #firstPosition = 0;
  #blocks = 0;
  #events = 0;
  #unreadable = 0;
  #calls = 0;
  #checkpoint: Checkpoint | undefined;
  #sequences: Sequences = createSequences(true);
  readonly #unclosed = new UnclosedCalls();

  find(
    kind: FindingKind,
    finding: { message: string; file?: string; line?: number },
    severity: AuditFinding['severity'] = warnings.has(kind) ? 'warning' : 'error',
  ): void {
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

  block(block: PlacedBlock): void {
    const { state, seal, hash, file, line, named, lines } = block;
    if (state === 'open') {
      this.#open(block);
      return;
    }
    this.#blocks += 1;
    if (seal === undefined || hash === undefined) {
      const message = `no readable seal closes the ${events(lines.length)} before it`;
      this.find('seal-unreadable', { file, line: line + block.lineCount - 1, message });
      this.#records(block, this.#position);
      return;
    }
    this.#whole(block, seal);
    this.#follows(block, seal);
    if (named !== undefined && seal.first !== named) {
      const message = `begins with position ${seal.first}, its name says ${named}`;
      this.find('segment-misnamed', { file, line, message });
    }
    this.#records(block, seal.last - lines.length);
    if (this.#firstPosition === 0) this.#firstPosition = seal.first;
    this.#position = Math.max(this.#position, seal.last);
    this.#hash = hash;
    this.#meetsCheckpoint(block, seal, hash);
  }

  /** Lines that no seal follows. At the end of the chain a write may be under way; readers pass them over. */
  #open({ file, line, lines, isLastSegment }: PlacedBlock): void {
    const message = `no seal follows the last ${lines.length === 1 ? 'line' : `${lines.length} lines`}: a write was cut off, or is under way`;
    this.find('block-unsealed', { file, line, message }, isLastSegment ? 'warning' : 'error');
  }

  #whole({ file, line, lines, intact }: PlacedBlock, { first, last }: Seal): void {
    const count = last - first + 1;
    const sealed = line + lines.length;
    if (lines.length !== count) {
      const message = `the seal in line ${sealed} closes ${events(count)}, ${lines.length} stand before it: lines were added or removed`;
      this.find('block-miscounted', { file, line, message });
    } else if (!intact) {
      const message = `lines ${line} to ${sealed}, events ${first} to ${last}, were changed: their hash is another`;
      this.find('hash-wrong', { file, line, message });
    }
  }

  #follows({ file, line }: PlacedBlock, { first, last, previous }: Seal): void {
    const expected = this.#position + 1;
    const place = { file, line };
    if (first > expected) {
      this.find('position-gap', { ...place, message: `positions ${expected} to ${first - 1} are missing` });
    } else if (first < expected) {
      const message = `the block of positions ${first} to ${last} stands after position ${expected - 1}`;
      this.find('position-repeated', { ...place, message });
    } else if (this.#hash !== '' && previous !== this.#hash) {
      const message = `the block of events ${first} to ${last} does not follow the block before it`;
      this.find('chain-broken', { ...place, message });
    }
  }

  #records({ file, line, lines }: PlacedBlock, before: number): void {
    this.#events += lines.length;
    for (const [at, text] of lines.entries()) {
      const event = readEvent(text, before + at + 1);
      const place = { file, line: line + at };
      if (event === undefined) this.find('line-unreadable', { ...place, message: 'the line is not JSON of an event' });
      else this.#record(event, place);
    }
  }

  #record(event: ChainEvent, place: { readonly file: string; readonly line: number }): void {
    if (event.kind === 'unreadable') {
      this.#unreadable += 1;
      const message = `a line of ${event.spool} could not be read: ${event.fault}`;
      this.find('spool-line-unreadable', { ...place, message });
    } else if (event.kind === 'unrecorded') {
      if (event.cause === 'killed') this.#unclosed.killed(event.worker);
      this.find('calls-unrecorded', { ...place, message: unrecordedText(event) });
    } else if (event.kind === 'opened') {
      this.#unclosed.opened(event, place);
    } else if (event.kind === 'call') {
      this.#unclosed.closed(event);
      this.#call(event, place);
    }
  }

  #call(event: AuditEvent, place: { readonly file: string; readonly line: number }): void {
    this.#calls += 1;
    if (!this.#sequences.see(event.worker, event.sequence, place.file, place.line)) {
      const message = `record ${event.sequence} of worker ${event.worker} is there twice`;
      this.find('record-repeated', { ...place, message });
    }
  }

  #meetsCheckpoint({ file, line, lines }: PlacedBlock, { first, last }: Seal, hash: string): void {
    const known = this.#checkpoint;
    if (known === undefined || known.position < first || known.position > last) return;
    if (known.position === last && known.hash === hash) return;
    const message = `the block of events ${first} to ${last} is not the one that ${checkpointName} names`;
    this.find('checkpoint-differs', { file, line: line + lines.length, message });
  }

  end(segments: number): void {
    for (const { worker, from, to, file, line } of this.#sequences.gaps()) {
      const which = from === to ? `record ${from}` : `records ${from} to ${to}`;
      this.find('record-missing', { file, line, message: `${which} of worker ${worker} never came` });
    }
    for (const finding of this.#unclosed.findings()) this.find('calls-unclosed', finding);
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
      blocks: this.#blocks,
      events: this.#events,
      calls: this.#calls,
      unclosed: this.#unclosed.count,
      unreadable: this.#unreadable,
      workers: this.#sequences.count(),
      firstPosition: this.#firstPosition,
      lastPosition: this.#position,
      lastHash: this.#hash,
    };
  }
}

function events(count: number): string {
  return count === 1 ? '1 event' : `${count} events`;
}
