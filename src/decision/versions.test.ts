import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ServicePlan, VersionPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { wholePpm } from '../std/share.ts';
import { createVersions, type Versions } from './versions.ts';

const seed = 20_261_121;

function versionsOf(...list: VersionPlan[]): Versions {
  const service: ServicePlan = {
    ...{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'plain'] },
    versions: { m: list },
  };
  return createVersions([service]);
}

const call = (asked: Partial<Operation> = {}): Operation => ({
  ...{ service: 'scoring', protocol: 'tensorflow-serving', name: 'predict', action: 'predict', safe: true },
  ...{ resource: ['m'], model: 'm' },
  ...asked,
});

const stable: VersionPlan = { name: 'stable', number: 3 };
const canary = (sharePpm: number): VersionPlan => ({ name: 'canary', number: 4, sharePpm });

/** The number, name and reason that a call comes to. */
function told(operation: Operation | undefined): unknown {
  if (operation === undefined) return 'unknown';
  const { version = '-', versionName = '-', versionBy = '-' } = operation;
  return `${version} ${versionName} ${versionBy}`;
}

describe('what a caller asks for', () => {
  const versions = versionsOf(stable, canary(1000));
  const table: [string, Partial<Operation>, string][] = [
    ['a number with a name', { version: '4' }, '4 canary number'],
    ['a number without one', { version: '7' }, '7 - number'],
    ['a label', { label: 'canary' }, '4 canary label'],
    ['a label in another case', { label: 'Canary' }, 'unknown'],
    ['a label that is a number', { label: '4' }, 'unknown'],
    ['a label of every object', { label: 'constructor' }, 'unknown'],
    ['nothing, and nobody is known', {}, '3 stable share'],
    ['a number of a model without versions', { model: 'plain', version: '1' }, '1 - number'],
    ['a label of a model without versions', { model: 'plain', label: 'stable' }, 'unknown'],
    ['nothing of a model without versions', { model: 'plain' }, '- - -'],
    ['a label of a model that nobody knows', { model: 'none', label: 'stable' }, '- - -'],
    ['a number of a model that nobody knows', { model: 'none', version: '3' }, '3 - -'],
    ['nothing, and it is about no model', { resource: [] }, '3 stable share'],
  ];
  for (const [what, asked, expected] of table) {
    test(what, () => assert.equal(told(versions.resolve(call(asked), undefined)), expected));
  }

  test('the same for a caller who is known', () => {
    for (const [what, asked, expected] of table) {
      if (!expected.endsWith('share')) assert.equal(told(versions.resolve(call(asked), 'id')), expected, what);
    }
  });
});

const callers = Array.from({ length: 100_000 }, (_, index) => `caller-${index}`);

/** Which version each caller gets. */
function choices(versions: Versions, model = 'm'): string[] {
  const operation = call({ model, resource: [model] });
  return callers.map((id) => versions.resolve(operation, id)?.versionName ?? '-');
}

function part(chosen: readonly string[], name: string): number {
  return chosen.filter((each) => each === name).length / chosen.length;
}

/** Five standard deviations of a share among so many callers. */
function margin(share: number): number {
  return 5 * Math.sqrt((share * (1 - share)) / callers.length);
}

describe('what the shares give', () => {
  test('a share is kept among 100,000 callers', () => {
    for (const share of [0.0001, 0.001, 0.05, 0.25, 0.5, 0.9]) {
      const found = part(choices(versionsOf(stable, canary(share * wholePpm))), 'canary');
      assert.ok(Math.abs(found - share) <= margin(share), `${found} of ${share}`);
    }
  });

  test('0 % is nobody, 100 % is everybody', () => {
    assert.equal(part(choices(versionsOf(stable, canary(0))), 'canary'), 0);
    assert.equal(part(choices(versionsOf(stable, canary(wholePpm))), 'canary'), 1);
    assert.equal(
      part(
        choices(versionsOf(stable, canary(wholePpm / 2), { ...canary(wholePpm / 2), name: 'b', number: 5 })),
        'stable',
      ),
      0,
    );
  });

  test('several shares are each kept', () => {
    const shares = { a: 0.1, b: 0.2, c: 0.3 };
    const list = Object.entries(shares).map(([name, share], index) => ({
      name,
      number: index,
      sharePpm: share * wholePpm,
    }));
    const chosen = choices(versionsOf({ ...stable, number: 9 }, ...list));
    for (const [name, share] of Object.entries({ ...shares, stable: 0.4 })) {
      assert.ok(Math.abs(part(chosen, name) - share) <= margin(share), `${name} ${part(chosen, name)}`);
    }
  });

  test('another model draws anew', () => {
    const service: ServicePlan = {
      ...{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'n'] },
      versions: { m: [stable, canary(wholePpm / 2)], n: [stable, canary(wholePpm / 2)] },
    };
    const versions = createVersions([service]);
    const [first, second] = [choices(versions, 'm'), choices(versions, 'n')];
    const same = first.filter((name, index) => name === second[index]).length / first.length;
    assert.ok(Math.abs(same - 0.5) <= margin(0.5), `${same}`);
  });
});

describe('who moves', () => {
  const ppm = fc.integer({ min: 0, max: wholePpm });
  const some = callers.slice(0, 2000);
  const nameFor = (versions: Versions, id: string): string => versions.resolve(call(), id)?.versionName ?? '-';

  test('raising a share moves callers to that version only, and numbers move nobody', () => {
    const property = fc.property(ppm, ppm, (one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const [before, after] = [versionsOf(stable, canary(low)), versionsOf({ ...stable, number: 8 }, canary(high))];
      for (const id of some) {
        const [had, has] = [nameFor(before, id), nameFor(after, id)];
        assert.ok(had === has || has === 'canary', `${id}: ${had} to ${has}`);
      }
    });
    fc.assert(property, { seed, numRuns: 50 });
  });

  test('with two shares, raising one leaves the callers of the other where they are', () => {
    const property = fc.property(ppm, ppm, ppm, fc.boolean(), (a, b, c, first) => {
      const [low = 0, kept = 0, high = 0] = [a, b, c].toSorted((x, y) => x - y).map((each) => Math.floor(each / 2));
      const list = (share: number): VersionPlan[] => {
        const [raised, left] = [
          { name: 'raised', number: 5, sharePpm: share },
          { name: 'left', number: 6, sharePpm: kept },
        ];
        return first ? [stable, raised, left] : [left, stable, raised];
      };
      const [before, after] = [versionsOf(...list(low)), versionsOf(...list(high))];
      for (const id of some) {
        const [had, has] = [nameFor(before, id), nameFor(after, id)];
        assert.ok(had === has || (had === 'stable' && has === 'raised'), `${id}: ${had} to ${has}`);
      }
    });
    fc.assert(property, { seed, numRuns: 50 });
  });

  test('with several, raising one gives nobody the rest who had a share', () => {
    const property = fc.property(fc.array(ppm, { minLength: 3, maxLength: 6 }), fc.nat(), ppm, (drawn, at, more) => {
      const list = (raise: number): VersionPlan[] => {
        const shares = drawn.map((each, index) => Math.floor(each / 10) + (index === at % drawn.length ? raise : 0));
        return [stable, ...shares.map((sharePpm, index) => ({ name: `v${index}`, number: 10 + index, sharePpm }))];
      };
      const [before, after] = [versionsOf(...list(0)), versionsOf(...list(Math.floor(more / 10)))];
      for (const id of some) assert.ok(nameFor(after, id) !== 'stable' || nameFor(before, id) === 'stable', id);
    });
    fc.assert(property, { seed, numRuns: 50 });
  });

  test('a caller without an id could get what some caller gets, and nothing else', () => {
    const property = fc.property(ppm, ppm, (one, other) => {
      const shares = [Math.floor(one / 2), Math.floor(other / 2)];
      const versions = versionsOf(stable, canary(shares[0] ?? 0), {
        name: 'next',
        number: 5,
        sharePpm: shares[1] ?? 0,
      });
      const possible = new Set(versions.possible(call(), true).map((each) => each?.versionName));
      for (const id of some) assert.ok(possible.has(nameFor(versions, id)));
      assert.equal(possible.has('canary'), shares[0] !== 0);
      assert.deepEqual(versions.possible(call(), false).map(told), ['3 stable share']);
    });
    fc.assert(property, { seed, numRuns: 50 });
    assert.deepEqual(
      versionsOf(stable, canary(5))
        .possible(call({ version: '7' }), true)
        .map(told),
      ['7 - number'],
    );
  });
});
