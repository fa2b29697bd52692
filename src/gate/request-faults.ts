import { METHODS } from 'node:http';
import { hostOf } from '../protocols/index.ts';
import { credentialBytesMax, headerBytesMax, headerCountMax, targetBytesMax } from '../std/limits.ts';
import type { DenialReason } from './denials.ts';
import { requestIdCharactersMax } from './limits.ts';
import type { GateRequest } from './types.ts';

export interface RequestFault {
  readonly reason: DenialReason;
  readonly detail: string;
}

/** Parsers differ in which others they let through, and no operation has one. */
const methods: ReadonlySet<string> = new Set(METHODS);
const visible = /^[\x21-\x7e]+$/;
/** RFC 3986 has no `#` in a query; what else is not plain ASCII, upstreams refuse or read in their own way. */
const query = /^[\x21\x22\x24-\x7e]*$/;
/** RFC 9110, section 5.5: a value starts and ends with no white space, and holds no control character but the tab. */
const value = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/**
 * What is wrong with a request before anybody asks what it means: its form, then its sizes. It hangs on the whole target and
 * all fields, so an engine has to ask this, or hold the same by its own means, before it looks for a kept answer.
 */
export function requestFault(request: GateRequest): RequestFault | undefined {
  return formFault(request) ?? sizeFault(request);
}

function formFault({ id, method, target, authority, headers }: GateRequest): RequestFault | undefined {
  if (id.length > requestIdCharactersMax || !visible.test(id)) return malformed('id of the request');
  if (!methods.has(method)) return malformed('method');
  if (hostOf(authority) === undefined) return malformed('host');
  if (target.includes('?') && !query.test(target.slice(target.indexOf('?')))) return malformed('query');
  if (headers.length % 2 !== 0) return malformed('header fields');
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', text = ''] = [headers[index], headers[index + 1]];
    if (!value.test(text)) return malformed('value of a header field');
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (text.toLowerCase() !== authority.toLowerCase()) return malformed('two hosts');
  }
  return undefined;
}

function sizeFault({ target, headers }: GateRequest): RequestFault | undefined {
  if (target.length > targetBytesMax) return { reason: 'target-too-long', detail: 'target' };
  if (headers.length > 2 * headerCountMax) return { reason: 'header-too-large', detail: 'number of fields' };
  let bytes = 0;
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]];
    bytes += name.length + value.length;
    if (value.length > credentialBytesMax && name.toLowerCase() === 'authorization') {
      return { reason: 'header-too-large', detail: 'credential' };
    }
  }
  return bytes > headerBytesMax ? { reason: 'header-too-large', detail: 'fields together' } : undefined;
}

function malformed(detail: string): RequestFault {
  return { reason: 'request-malformed', detail };
}
