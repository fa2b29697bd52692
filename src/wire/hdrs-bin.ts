import { SpopError, SpopReader } from './spop-bytes.ts';

/**
 * Header fields as HAProxy's `req.hdrs_bin` gives them: length and bytes of each name and value in turn, closed by an empty
 * name and value. Names come in lower case. Returns name, value, name, value…; texts are latin1. Throws `SpopError`.
 */
export function readHeadersBinary(bytes: Buffer): string[] {
  const reader = new SpopReader(bytes);
  const headers: string[] = [];
  for (;;) {
    const name = reader.text();
    const value = reader.text();
    if (name === '') break;
    headers.push(name, value);
  }
  if (reader.left > 0) throw new SpopError('bytes after the last header field');
  return headers;
}
