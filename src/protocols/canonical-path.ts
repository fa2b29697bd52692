/** What a character of a path is: 0 can't stand there, 1 stands for itself, 2 looked at closer. */
const plain = 1;
const special = 2;
const kinds = characterKinds();
const unreserved = /^[A-Za-z0-9._~-]$/;

/**
 * Why a path can be read in more than one way; undefined where it can't, and so nobody has to normalise it.
 * `path` is the raw request target up to its first `?`. The sentence names no byte of the path.
 * Source: RFC 3986, sections 3.3 and 6.2.2, and what proxies and servers are known to rewrite.
 */
export function pathFault(path: string): string | undefined {
  if (path.charCodeAt(0) !== 0x2f) return formFault(path);
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index);
    const kind = code < 128 ? kinds[code] : 0;
    if (kind === plain) continue;
    if (kind !== special) return characterFault(code);
    const fault = specialFault(path, index, code);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function formFault(path: string): string {
  if (path === '') return 'the target is empty';
  if (path === '*') return 'asterisk form';
  return path.includes('://') ? 'absolute form' : 'not in origin form';
}

function characterFault(code: number): string {
  if (code === 0x3b) return 'semicolon';
  if (code === 0x5c) return 'backslash';
  if (code === 0x23) return 'fragment';
  if (code > 0x7e) return 'byte outside ASCII';
  return code < 0x20 ? 'control character' : 'character that has to be escaped';
}

function specialFault(path: string, index: number, code: number): string | undefined {
  if (code === 0x25) return escapeFault(path.slice(index + 1, index + 3));
  const next = path.charCodeAt(index + 1);
  if (next === 0x2f) return 'empty segment';
  return next === 0x2e ? dotFault(path, index + 1) : undefined;
}

/** `start` is where a segment starts with a dot. */
function dotFault(path: string, start: number): string | undefined {
  const end = path.indexOf('/', start);
  const segment = path.slice(start, end === -1 ? path.length : end);
  return segment === '.' || segment === '..' ? 'dot segment' : undefined;
}

function escapeFault(digits: string): string | undefined {
  if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return 'broken escape';
  if (digits !== digits.toUpperCase()) return 'escape in lower case';
  const code = Number.parseInt(digits, 16);
  if (code === 0x2f || code === 0x5c) return 'escaped slash or backslash';
  if (code === 0x25) return 'escaped percent sign';
  if (code < 0x20 || code === 0x7f) return 'escaped control character';
  return unreserved.test(String.fromCharCode(code)) ? 'needless escape' : undefined;
}

/** `pchar` of RFC 3986 without `;`; the slash and the percent sign are special. */
function characterKinds(): Uint8Array {
  const table = new Uint8Array(128);
  const itself = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@";
  for (const character of itself) table[character.charCodeAt(0)] = plain;
  for (const character of '/%') table[character.charCodeAt(0)] = special;
  return table;
}
