import { closeSync, fstatSync, openSync, readdirSync, readSync, realpathSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** One spool file that is followed. */
export interface SpoolFile {
  readonly name: string;
  /** Engine that writes it: what stands before the first `-`. */
  readonly engine: string;
  /** Worker that writes it, and which of its files it is: a worker's files are read one after the other. */
  readonly worker: string;
  readonly number: number;
  readonly fd: number;
  /** Read and chained up to here. */
  offset: number;
  /** Given back to the disk up to here. */
  released: number;
  /** Its writer is known to be gone, or to have gone on to a newer file: what is there is all there will be. */
  finished: boolean;
  /** When it last had something new. Milliseconds since the epoch. */
  grewMs: number;
}

/** The spool files of a directory that are followed, by name. */
export interface SpoolFiles {
  readonly files: ReadonlyMap<string, SpoolFile>;
  /** Takes up new files and notes those that a newer one of the same worker has taken over from. */
  scan(nowMs: number): void;
  /** Up to a buffer of what follows `offset`; returns the count. */
  read(file: SpoolFile, into: Buffer): number;
  /** Bytes that are there and not read yet, all files together. */
  behindBytes(): number;
  sizeOf(file: SpoolFile): number;
  pathOf(file: SpoolFile): string;
  /** Deletes a file that is read to its end. */
  remove(file: SpoolFile): void;
  close(): void;
}

/** `<engine>-<worker>-<n>.spool` */
const form = /^(([a-z]+)-.*)-(\d+)\.spool$/;

/** Follows a spool directory. `chained`: offsets up to which files are chained already. */
export function openSpoolFiles(directory: string, chained: ReadonlyMap<string, number>): SpoolFiles {
  const real = realpathSync(directory);
  const files = new Map<string, SpoolFile>();
  const open = (name: string, nowMs: number): SpoolFile => {
    const fd = openSync(join(real, name), 'r');
    const known = chained.get(name) ?? 0;
    const offset = known <= fstatSync(fd).size ? known : 0;
    return { name, ...partsOf(name), fd, offset, released: 0, finished: false, grewMs: nowMs };
  };
  return {
    files,
    scan(nowMs) {
      const names = readdirSync(real).filter((name) => name.endsWith('.spool') && !files.has(name));
      if (names.length === 0) return;
      names.sort((a, b) => partsOf(a).number - partsOf(b).number);
      for (const name of names) files.set(name, open(name, nowMs));
      const newest = new Map<string, number>();
      for (const { worker, number } of files.values()) newest.set(worker, Math.max(number, newest.get(worker) ?? 0));
      for (const file of files.values()) file.finished ||= file.number < (newest.get(file.worker) ?? 0);
    },
    read: (file, into) => readSync(file.fd, into, 0, into.length, file.offset),
    behindBytes: () => [...files.values()].reduce((sum, file) => sum + fstatSync(file.fd).size - file.offset, 0),
    sizeOf: (file) => fstatSync(file.fd).size,
    pathOf: (file) => join(real, file.name),
    remove(file) {
      unlinkSync(join(real, file.name));
      closeSync(file.fd);
      files.delete(file.name);
    },
    close() {
      for (const file of files.values()) closeSync(file.fd);
      files.clear();
    },
  };
}

/** A name of another form is a worker of its own. */
function partsOf(name: string): { engine: string; worker: string; number: number } {
  const [, worker, engine, number] = form.exec(name) ?? [];
  if (worker === undefined || engine === undefined) return { engine: '', worker: name, number: 0 };
  return { engine, worker, number: Number(number) };
}
