import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTimeZone, zonedMethods, zonedPart } from './zoned-time.ts';

const parts = [...zonedMethods.values()];

function wall(timeMs: number, zone: string): number[] {
  return parts.map((part) => Number(zonedPart(timeMs, zone, part)));
}

test('tells what a clock on the wall shows', () => {
  // Year, month, date, day of month, day of week, day of year, hour, minute, second.
  assert.deepEqual(wall(Date.UTC(2026, 0, 1, 0, 0, 0), 'UTC'), [2026, 0, 1, 0, 4, 0, 0, 0, 0]);
  assert.deepEqual(wall(Date.UTC(2025, 11, 31, 23, 30, 5), 'Europe/Zurich'), [2026, 0, 1, 0, 4, 0, 0, 30, 5]);
  assert.deepEqual(wall(Date.UTC(2024, 11, 31, 12), 'Asia/Tokyo'), [2024, 11, 31, 30, 2, 365, 21, 0, 0]);
});

test('is right in the hour that a change of clocks leaves out or repeats', () => {
  const hours = [0, 1, 2].map((hour) => Number(zonedPart(Date.UTC(2026, 2, 29, hour), 'Europe/Zurich', 'hour')));
  assert.deepEqual(hours, [1, 3, 4]);
  const back = [0, 1, 2].map((hour) => Number(zonedPart(Date.UTC(2026, 9, 25, hour), 'Europe/Zurich', 'hour')));
  assert.deepEqual(back, [2, 2, 3]);
});

test('knows the zones that there are', () => {
  assert.deepEqual(['Europe/Zurich', 'UTC', 'Mars/Olympus', ''].map(isTimeZone), [true, true, false, false]);
  assert.throws(() => zonedPart(0, 'Mars/Olympus', 'hour'), RangeError);
});
