import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type AuditEvent,
  type AuditWriter,
  type AuditWriterOptions,
  createSpoolLineParser,
  encodeSpoolLine,
  readAudit,
  startAuditWriter,
} from '../../src/audit/index.ts';
import type { AuditCore } from '../../src/audit/types.ts';
import { exampleRecord } from './audit-records.ts';

/** A spool and an audit directory of a test's own, with a clock that stands still until it is moved. */
export interface AuditBench {
  readonly spool: string;
  readonly audit: string;
  readonly logged: string[];
  readonly clock: { nowMs: number; now(): number };
  /** Appends lines `from` to `to` (inclusive) of a worker. */
  append(file: string, from: number, to: number, core?: Partial<AuditCore>): void;
  raw(file: string, text: string | Buffer): void;
  start(options?: Partial<AuditWriterOptions>): Promise<AuditWriter>;
  /** `worker:sequence` of every call in the chain, in its order. */
  chained(): Promise<string[]>;
}

/** Makes one; it is removed after the test. */
export function auditBench(context: TestContext): AuditBench {
  const root = mkdtempSync(join(tmpdir(), 'headgate-audit-'));
  const spool = join(root, 'spool');
  const audit = join(root, 'audit');
  mkdirSync(spool);
  const running: AuditWriter[] = [];
  context.after(async () => {
    for (const writer of running) await writer.stop();
    rmSync(root, { recursive: true, force: true });
  });
  const logged: string[] = [];
  const clock = {
    nowMs: Date.UTC(2026, 10, 21, 10, 2, 12),
    now(): number {
      return this.nowMs;
    },
  };
  const log = (line: string): void => void logged.push(line);
  return {
    spool,
    audit,
    logged,
    clock,
    append(file, from, to, core) {
      appendFileSync(join(spool, file), spoolText(file, from, to, core));
    },
    raw: (file, text) => appendFileSync(join(spool, file), text),
    async start(options) {
      const bounds = { pollMs: 5, idleMs: 3_600_000 };
      const parse = createSpoolLineParser();
      const writer = await startAuditWriter({
        spoolDirectory: spool,
        directory: audit,
        parse,
        clock,
        log,
        bounds,
        ...options,
      });
      running.push(writer);
      return writer;
    },
    async chained() {
      const calls: string[] = [];
      for await (const event of readAudit(audit)) if (event.kind === 'call') calls.push(callName(event));
      return calls;
    },
  };
}

/** Spool lines of the worker that the file's name holds: `embedded-w1-1.spool`. */
export function spoolText(file: string, from: number, to: number, core: Partial<AuditCore> = {}): string {
  const worker = file.split('-')[1] as string;
  let text = '';
  for (let sequence = from; sequence <= to; sequence += 1)
    text += encodeSpoolLine(exampleRecord(sequence, core, worker));
  return text;
}

function callName({ worker, sequence }: AuditEvent): string {
  return `${worker}:${sequence}`;
}

/** `w1:1` to `w1:n`. */
export function callNames(worker: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${worker}:${from + index}`);
}

/** Lines of a file without the last newline. */
export function linesIn(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
