import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listNames, nameHint, nearestName } from './near.ts';

describe('nearestName', () => {
  it('finds what was meant', () => {
    const known = ['allow', 'deny', 'tensorflow-serving', 'to', 'at', 'finance-prod'];
    const meant = {
      alow: 'allow',
      Allow: 'allow',
      alolw: 'allow',
      tensorflow_serving: 'tensorflow-serving',
      too: 'to',
      'finance-prd': 'finance-prod',
    };
    for (const [written, name] of Object.entries(meant)) assert.equal(nearestName(written, known), name, written);
  });

  it('finds nothing where nothing is near', () => {
    for (const written of ['priority', 'x', '', 'zzzzzzzz', 'a'.repeat(1000)]) {
      assert.equal(nearestName(written, ['allow', 'deny']), undefined, written);
    }
  });

  it('takes the nearest, the first of equals', () => {
    assert.equal(nearestName('modl', ['mode', 'model', 'models']), 'mode');
    assert.equal(nearestName('models2', ['mode', 'model', 'models']), 'models');
  });

  it('is bounded', () => {
    const many = Array.from({ length: 1_000_000 }, (_, index) => `name-${index}`);
    const started = process.cpuUsage();
    nearestName('name-x', many);
    assert.ok(process.cpuUsage(started).user < 2_000_000, 'well under two seconds of CPU');
  });
});

describe('listNames', () => {
  it('lists as a sentence does, bounded', () => {
    assert.equal(listNames([]), '');
    assert.equal(listNames(['a']), '`a`');
    assert.equal(listNames(['a', 'b', 'c']), '`a`, `b` and `c`');
    assert.equal(listNames(['a', 'b'], 'or'), '`a` or `b`');
    assert.match(listNames(Array.from({ length: 100 }, (_, index) => `n${index}`)), /`n11` and 88 more$/);
  });
});

describe('nameHint', () => {
  it('suggests, then lists', () => {
    assert.equal(nameHint('scorin', ['scoring', 'orders']), 'did you mean `scoring`? known: `scoring` and `orders`');
    assert.equal(nameHint('x', [], { label: 'services' }), 'none is declared among services');
    assert.equal(nameHint('zzz', ['a'], { label: 'groups' }), 'groups: `a`');
  });
});
