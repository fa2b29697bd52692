import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { pathFault } from './canonical-path.ts';

describe('a path that reads one way', () => {
  const paths = [
    '/',
    '/v1/models/m:predict',
    '/a/',
    '/...',
    '/a/.b/c..',
    "/-._~!$&'()*+,=:@",
    '/%20',
    '/%C3%A9',
    '/%3B',
    '/.%21',
  ];
  for (const path of paths) test(path, () => assert.equal(pathFault(path), undefined));
});

describe('a path that reads two ways', () => {
  const table: readonly [path: string, fault: string][] = [
    ['', 'the target is empty'],
    ['*', 'asterisk form'],
    ['http://a/b', 'absolute form'],
    ['host:443', 'not in origin form'],
    ['v1/models', 'not in origin form'],
    ['//', 'empty segment'],
    ['/a//b', 'empty segment'],
    ['/a//', 'empty segment'],
    ['/.', 'dot segment'],
    ['/..', 'dot segment'],
    ['/a/./b', 'dot segment'],
    ['/a/../b', 'dot segment'],
    ['/a/..', 'dot segment'],
    ['/a;b', 'semicolon'],
    ['/a\\b', 'backslash'],
    ['/a#b', 'fragment'],
    ['/a b', 'character that has to be escaped'],
    ['/a"b', 'character that has to be escaped'],
    ['/a|b', 'character that has to be escaped'],
    ['/a\u0000', 'control character'],
    ['/a\r\nb', 'control character'],
    ['/a\u007f', 'byte outside ASCII'],
    ['/é', 'byte outside ASCII'],
    ['/\ud83d\ude00', 'byte outside ASCII'],
    ['/%', 'broken escape'],
    ['/%2', 'broken escape'],
    ['/%zz', 'broken escape'],
    ['/%u0041', 'broken escape'],
    ['/%c3%a9', 'escape in lower case'],
    ['/%2F', 'escaped slash or backslash'],
    ['/%5C', 'escaped slash or backslash'],
    ['/%25', 'escaped percent sign'],
    ['/%2541', 'escaped percent sign'],
    ['/%00', 'escaped control character'],
    ['/%0A', 'escaped control character'],
    ['/%7F', 'escaped control character'],
    ['/%41', 'needless escape'],
    ['/%2E%2E/a', 'needless escape'],
    ['/%7E', 'needless escape'],
  ];
  for (const [path, fault] of table) test(JSON.stringify(path), () => assert.equal(pathFault(path), fault));
});

test('a path that passes is left alone by whoever normalises it', () => {
  const character = fc.constantFrom(...'/.%2EeFf5Cc0a1;:\\? #é~-_', '..', '//', '%2F', '%41');
  fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (parts) => {
      const path = `/${parts.join('')}`;
      if (path.includes('?') || pathFault(path) !== undefined) return;
      assert.equal(new URL(path, 'http://host.example').pathname, path);
      const decoded = path.replace(/%[0-9A-F]{2}/g, 'x');
      assert.ok(!/\/\/|%|\/\.\.?(\/|$)/.test(decoded), path);
    }),
    { seed: 3, numRuns: 3000 },
  );
});
