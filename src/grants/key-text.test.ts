import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { isKeyId, isKeyText, isSecretOf, makeKey, readKeyText } from './key-text.ts';

describe('the text of an API key', () => {
  it('has a prefix, an id, a secret and a checksum, and is read again', () => {
    const { id, text, hash: stored } = makeKey();
    const read = readKeyText(text.reveal());
    assert.match(text.reveal(), /^hgk_[0-9A-Za-z]{60}$/);
    assert.ok(isKeyText(text.reveal()) && isKeyId(id));
    assert.equal(read?.id, id);
    assert.equal(read.secret.reveal().length, 32);
    assert.equal(isSecretOf(stored, read.secret), true);
    assert.deepEqual(stored, hash('sha256', read.secret.reveal(), 'buffer'));
  });

  it('is another one each time, and its secret is not its id', () => {
    const made = Array.from({ length: 100 }, () => makeKey());
    assert.equal(new Set(made.map(({ id }) => id)).size, 100);
    assert.equal(new Set(made.map(({ text }) => readKeyText(text.reveal())?.secret.reveal())).size, 100);
  });

  it('never shows itself by accident', () => {
    const key = makeKey();
    const secret = key.text.reveal().slice(26);
    for (const shown of [inspect(key, { depth: 5 }), JSON.stringify(key), `${key.text}`]) {
      assert.ok(!shown.includes(secret));
    }
  });

  it('is told from a slip by its checksum', () => {
    const text = makeKey().text.reveal();
    for (let at = 4; at < text.length; at += 1) {
      const other = text[at] === 'a' ? 'b' : 'a';
      assert.equal(readKeyText(text.slice(0, at) + other + text.slice(at + 1)), undefined, `place ${at}`);
    }
    for (const wrong of ['', 'hgk_', text.slice(0, -1), `${text}0`, ` ${text}`, text.replace('hgk_', 'HGK_')]) {
      assert.equal(readKeyText(wrong), undefined, wrong.slice(0, 4));
    }
  });

  it('takes every character as often as any other', () => {
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 400; turn += 1) {
      for (const each of makeKey().id) counts.set(each, (counts.get(each) ?? 0) + 1);
    }
    const mean = (400 * 22) / 62;
    assert.equal(counts.size, 62);
    for (const [each, count] of counts) assert.ok(Math.abs(count - mean) < 6 * Math.sqrt(mean), `${each}: ${count}`);
  });

  it('does not take another secret for its own', () => {
    const [one, other] = [makeKey(), makeKey()];
    const read = readKeyText(other.text.reveal());
    assert.ok(read !== undefined);
    assert.equal(isSecretOf(one.hash, read.secret), false);
    assert.equal(isSecretOf(new Uint8Array(0), read.secret), false);
  });
});
