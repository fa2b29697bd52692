/** What a field is to the message that it stands in; each is looked at once and remembered with its entry of a table. */
export const kindPlain = 0;
export const kindMethod = 1;
export const kindScheme = 2;
export const kindAuthority = 3;
export const kindPath = 4;
export const kindStatus = 5;
export const kindLength = 6;
export const kindCookie = 7;
/** No message may have it: wrong characters, a field of one connection of HTTP/1, an unknown pseudo-header field. */
export const kindBad = 8;

const pseudo: Readonly<Record<string, number>> = {
  ':method': kindMethod,
  ':scheme': kindScheme,
  ':authority': kindAuthority,
  ':path': kindPath,
  ':status': kindStatus,
};
/** RFC 9113, section 8.2.2. */
const ofConnection = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
/** A token (RFC 9110, section 5.6.2) without upper case. */
const nameForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** RFC 9113, section 8.2.1: no NUL, CR or LF; and as RFC 9110, section 5.5 says, no other control characters either. */
const badValue = /[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/;

export function kindOf(name: string, value: string): number {
  if (badValue.test(value)) return kindBad;
  if (name.charCodeAt(0) === 0x3a) return pseudo[name] ?? kindBad;
  if (!nameForm.test(name) || ofConnection.has(name)) return kindBad;
  if (name === 'te') return value.toLowerCase() === 'trailers' ? kindPlain : kindBad;
  if (name === 'content-length') return /^\d{1,15}$/.test(value) ? kindLength : kindBad;
  return name === 'cookie' ? kindCookie : kindPlain;
}

/** Whether a value can be sent as it is: Latin-1 without control characters. */
export function isSendable(value: string): boolean {
  return !unsendable.test(value);
}

const unsendable = /[^\t\x20-\x7e\x80-\xff]/;
