import type { Coding } from '../../plan/types.ts';
import type { AnswerFields } from './answer-fields.ts';
import type { Accepted } from './codings.ts';
import { codedBytesMin } from './limits.ts';

/** Types that shrink: text, JSON, and what is built on them. */
const worthwhile =
  /^\s*(?:text\/[\w.+-]+|application\/(?:json|problem\+json|javascript|xml|x-ndjson|graphql|[\w.-]+\+(?:json|xml|text)))\s*(?:;|$)/i;

/** Fields with one of which an answer stays as it is: it is coded already, a part of something, or sworn to byte by byte. */
const asItIs: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-range',
  'content-digest',
  'digest',
  'content-md5',
]);

/**
 * What an answer that has a body is to be coded in (RFC 9110, section 8.4); undefined: it stays as it is. Notes in its fields that
 * another client may get it otherwise.
 */
export function codingOf(answer: AnswerFields, status: number, accepted: Accepted): Coding | undefined {
  const fields = answer.sent;
  if (status === 206 || answer.announcesTrailers || !isWorthwhile(fields)) return undefined;
  if (answer.length !== undefined && answer.length < codedBytesMin && !(accepted.onlyCoded && answer.length > 0)) {
    return undefined;
  }
  addVary(fields);
  return accepted.coding;
}

/** Says that the body is coded: its length is another, and it isn't byte for byte what a strong ETag names. */
export function markCoded(answer: AnswerFields, coding: Coding): void {
  const fields = answer.sent;
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    const name = fields[at]?.toLowerCase();
    if (name === 'content-length' || name === 'accept-ranges') fields.splice(at, 2);
    else if (name === 'etag' && !fields[at + 1]?.startsWith('W/')) fields[at + 1] = `W/${fields[at + 1]}`;
  }
  fields.push('content-encoding', coding);
  answer.length = undefined;
}

function isWorthwhile(fields: readonly string[]): boolean {
  let type = '';
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase();
    const value = fields[at + 1] as string;
    if (asItIs.has(name)) return false;
    if (name === 'cache-control' && /(?:^|[,\s])no-transform(?:[,\s]|$)/i.test(value)) return false;
    if (name === 'content-type') type = value;
  }
  return worthwhile.test(type);
}

function addVary(fields: string[]): void {
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== 'vary') continue;
    if (/(?:^|[,\s])(?:\*|accept-encoding)(?:[,\s]|$)/i.test(fields[at + 1] as string)) return;
  }
  fields.push('vary', 'accept-encoding');
}
