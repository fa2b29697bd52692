import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseStrictJsonObject } from './strict-json.ts';

const parse = (text: string) => parseStrictJsonObject(Buffer.from(text));

describe('strict JSON', () => {
  test('what names a member twice is refused', () => {
    for (const text of ['{"a":1,"a":1}', '{"a" : 1 , "\\u0061":2}', '{"x":[{"b":1,"b":2}]}', '{"":1,"":2}']) {
      assert.equal(parse(text), undefined, text);
    }
    assert.equal(parse('{"__proto__":1,"__proto__":2}'), undefined);
  });

  test('the same name in other objects, or as a value, is no second', () => {
    for (const text of ['{"a":{"a":1},"b":{"a":1}}', '{"a":"a","b":["a","a"]}', '{"a":"\\"a\\":","b":"{\\"a\\":1"}']) {
      assert.deepEqual(parse(text), JSON.parse(text), text);
    }
  });

  test('what is no object is refused', () => {
    for (const text of ['', '[]', 'null', '"a"', '{', '{"a":1}x', "{'a':1}", '{"a":NaN}', '\ufeff{}']) {
      assert.equal(parse(text), undefined, text);
    }
  });

  test('whatever JSON prints is read as it was, and a member more that is there already is refused', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.boolean(), (value, spaced) => {
        const text = JSON.stringify(value, null, spaced ? 2 : 0);
        assert.deepEqual(parse(text), JSON.parse(text));
        const [name = ''] = Object.keys(JSON.parse(text) as object);
        assert.equal(parse(text.replace('{', () => `{${JSON.stringify(name)}:0,`)), undefined);
      }),
      { seed: 3 },
    );
  });
});
