import type { Load, Passenger } from './carried.ts';

/**
 * What stands between a permitted call and its way to a replica, for whoever permitted it: one call for those that ask the same, and
 * the turn of that one in its queues. A call for which the Plan has neither goes straight on.
 */
export interface Carriage {
  /** Whether a call with such a permit would be refused `queue-full` now: asked before its body is read. */
  isFull(load: Pick<Load, 'permit'>): boolean;
  /**
   * Takes over a permitted call; sets `passenger.underway`. The passenger is ended once: by an answer, by a refusal (`queue-full`,
   * `queue-timeout`, whatever a replica's way ends with), or by itself, of which `abandon` tells.
   */
  carry(passenger: Passenger, load: Load): void;
  /** How much of a body has to be held for it to be shared; 0: such a call isn't shared, whatever its body. */
  heldBytesMax(load: Pick<Load, 'permit'>): number;
}
