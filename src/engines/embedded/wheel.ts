/** How late what is due may be noticed. */
export const tickMs = 16;
const slotsOfWheel = 512;

/** Something that is to happen at a time. `dueMs`, of `performance.now()`, stays as it is while a wheel holds it. */
export interface Due {
  readonly dueMs: number;
  /** Its time is there; the wheel has let go of it. */
  due(nowMs: number): void;
}

/** Times of many calls under one timer, because a timer for each costs more than all looking. It stands still while it is empty. */
export class Wheel {
  readonly #slots: Set<Due>[] = Array.from({ length: slotsOfWheel }, () => new Set());
  #size = 0;
  /** The tick that was looked at last. */
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  /** What was due before now is not for the wheel: it may pass it by. */
  add(due: Due): void {
    this.#slot(due.dueMs).add(due);
    this.#size += 1;
    if (this.#timer !== undefined) return;
    this.#tick = tickOf(performance.now());
    this.#timer = setTimeout(() => this.#turn(), tickMs).unref();
  }

  /** Nothing happens where it isn't held. */
  remove(due: Due): void {
    if (this.#slot(due.dueMs).delete(due)) this.#size -= 1;
  }

  /** Lets go of everything. */
  close(): void {
    clearTimeout(this.#timer);
    for (const slot of this.#slots) slot.clear();
    this.#size = 0;
  }

  #turn(): void {
    const nowMs = performance.now();
    const tick = tickOf(nowMs);
    // What was due before it came is in a slot behind: so one more is looked at. After a long pause each once.
    const from = Math.max(this.#tick - 1, tick - slotsOfWheel + 1, 0);
    this.#tick = tick;
    for (let at = from; at <= tick; at += 1) this.#look(at, nowMs);
    this.#timer = this.#size === 0 ? undefined : setTimeout(() => this.#turn(), tickMs).unref();
  }

  /** What is due in a later turn of the wheel stays. */
  #look(tick: number, nowMs: number): void {
    const slot = this.#slots[tick % slotsOfWheel] as Set<Due>;
    if (slot.size === 0) return;
    for (const due of [...slot]) {
      // Another's end may have taken it away.
      if (due.dueMs > nowMs || !slot.delete(due)) continue;
      this.#size -= 1;
      due.due(nowMs);
    }
  }

  #slot(dueMs: number): Set<Due> {
    return this.#slots[tickOf(dueMs) % slotsOfWheel] as Set<Due>;
  }
}

const tickOf = (ms: number): number => Math.floor(Math.max(ms, 0) / tickMs);
