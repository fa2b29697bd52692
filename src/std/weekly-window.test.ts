import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOpen, parseWindow, printWindow, type WeeklyWindow } from './weekly-window.ts';

const seed = 20_261_121;
const all = [0, 1, 2, 3, 4, 5, 6];

for (const [text, days, fromMinute, toMinute, zone] of [
  ['22:00-06:00 Europe/Zurich', all, 1320, 360, 'Europe/Zurich'],
  ['mon-fri 08:00-18:00 UTC', [1, 2, 3, 4, 5], 480, 1080, 'UTC'],
  ['Sat,sun 00:00-24:00 Asia/Tokyo', [0, 6], 0, 1440, 'Asia/Tokyo'],
  ['fri-mon,wed 22:30-00:00 UTC', [0, 1, 3, 5, 6], 1350, 1440, 'UTC'],
] as const) {
  test(`reads ${text}`, () => assert.deepEqual(parseWindow(text), { days, fromMinute, toMinute, zone }));
}

for (const [text, fault] of [
  ['', 'malformed'],
  ['always', 'malformed'],
  ['08:00-18:00', 'zone-missing'],
  ['08:00-18:00 Europe/Zurich now', 'malformed'],
  ['8:00-18:00 UTC', 'time'],
  ['08:00-25:00 UTC', 'time'],
  ['08:00-24:30 UTC', 'time'],
  ['24:00-06:00 UTC', 'time'],
  ['08:00-12:00-18:00 UTC', 'time'],
  ['08:00-08:00 UTC', 'empty'],
  ['moon 08:00-18:00 UTC', 'days'],
  ['mon-tue-wed 08:00-18:00 UTC', 'days'],
  ['mon- 08:00-18:00 UTC', 'days'],
  ['mon 08:00 UTC', 'malformed'],
] as const) {
  test(`${text || 'nothing'} is ${fault}`, () => assert.deepEqual(parseWindow(text), { fault }));
}

const windows: fc.Arbitrary<WeeklyWindow> = fc
  .record({
    days: fc.subarray([0, 1, 2, 3, 4, 5, 6] as const, { minLength: 1 }),
    fromMinute: fc.integer({ min: 0, max: 1439 }),
    toMinute: fc.integer({ min: 1, max: 1440 }),
    zone: fc.constantFrom('UTC', 'Europe/Zurich'),
  })
  .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute && !(fromMinute === 0 && toMinute === 0));

test('what is printed is read as the same', () => {
  fc.assert(
    fc.property(windows, (window) => assert.deepEqual(parseWindow(printWindow(window)), { ...window })),
    { seed, numRuns: 500 },
  );
});

test('is open in the minutes that follow its opening, each opening counted out along the week', () => {
  const property = fc.property(windows, fc.integer({ min: 0, max: 7 * 1440 - 1 }), (window, now) => {
    const { days, fromMinute, toMinute } = window;
    const length = fromMinute < toMinute ? toMinute - fromMinute : toMinute + 1440 - fromMinute;
    const opens = days.map((day) => day * 1440 + fromMinute);
    const expected = opens.some((open) => (now - open + 7 * 1440) % (7 * 1440) < length);
    assert.equal(isOpen(window, Math.floor(now / 1440), now % 1440), expected);
  });
  fc.assert(property, { seed, numRuns: 4000 });
});
