import type { ReloadStatus } from './status.ts';

/** What became of changes of the files, since the start. */
export class ReloadCounts {
  readonly reloads: Record<ReloadStatus['outcome'], number> = { taken: 0, rejected: 0 };
  filesInForce = true;
  /** When what is in force was taken up. Milliseconds since the epoch. */
  lastGoodReloadMs: number;

  constructor(startedMs: number) {
    this.lastGoodReloadMs = startedMs;
  }

  note(outcome: ReloadStatus['outcome'], nowMs: number): void {
    this.reloads[outcome] += 1;
    this.filesInForce = outcome === 'taken';
    if (this.filesInForce) this.lastGoodReloadMs = nowMs;
  }
}
