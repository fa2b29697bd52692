const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A JSON object from its bytes; undefined where it isn't valid UTF-8 or JSON, isn't an object, or names a member twice at
 * any depth. RFC 7519, section 4, lets a reader take the last of two; readers that take the first would see another caller.
 */
export function parseStrictJsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && !namesMemberTwice(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `text` is valid JSON. A string is a member's name where a colon follows it. */
function namesMemberTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x7b || code === 0x5b) open.push(new Set());
    else if (code === 0x7d || code === 0x5d) open.pop();
    else if (code === 0x22) {
      const end = endOfString(text, index);
      if (isName(text, end)) {
        const name = String(JSON.parse(text.slice(index, end)));
        const names = open.at(-1);
        if (names?.has(name)) return true;
        names?.add(name);
      }
      index = end - 1;
    }
  }
  return false;
}

/** Offset after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text.charCodeAt(index) !== 0x22) index += text.charCodeAt(index) === 0x5c ? 2 : 1;
  return index + 1;
}

function isName(text: string, after: number): boolean {
  let index = after;
  while (' \t\n\r'.includes(text.charAt(index)) && index < text.length) index++;
  return text.charCodeAt(index) === 0x3a;
}
