import type { ASTNode } from '@marcbachmann/cel-js';
import { celFunctions, celMethods, celWalks } from './cel-vocabulary.ts';
import { isTimeZone } from './zoned-time.ts';

/** What is wrong, and what to write instead. */
export interface Words {
  readonly message: string;
  readonly hint?: string;
  /** A name that is not known, and those that are: whoever shows the fault suggests a near one. */
  readonly unknown?: { readonly written: string; readonly known: readonly string[] };
}

/** RFC 9110, section 5.6.2: token, lower case. */
const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** Fields that belong to a connection or to the framing: they differ from HTTP/1.1 to HTTP/2 for one and the same call. */
const framingFields = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['content-length', 'http2-settings'],
]);

const credentialFields = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** Why a header can't be read by a condition under that name. */
export function headerFault(name: ASTNode): Words | undefined {
  if (name.op !== 'value' || typeof name.args !== 'string') {
    const message = 'the name of a header is written out, so that what a condition reads is known';
    return { message, hint: 'write request.headers["x-name"]' };
  }
  const written = name.args;
  if (written !== written.toLowerCase()) {
    return {
      message: 'names of headers are written in lower case',
      hint: `write ${JSON.stringify(written.toLowerCase())}`,
    };
  }
  if (!headerName.test(written)) return { message: `${JSON.stringify(written)} is not the name of a header` };
  if (written === 'host') return { message: 'the host is not read as a header', hint: 'write request.host' };
  if (credentialFields.has(written)) {
    return {
      message: 'a condition does not read credentials',
      hint: 'write caller.subject, caller.groups, caller.client',
    };
  }
  if (framingFields.has(written)) {
    return { message: `${written} belongs to the connection, not to the call: it differs between HTTP/1.1 and HTTP/2` };
  }
  if (written.startsWith('x-headgate-')) {
    return {
      message: `${written} is removed from what comes in`,
      hint: 'write caller.subject, caller.groups, caller.client',
    };
  }
  return undefined;
}

/** Why a function can't be called. */
export function callFault(name: string): Words | undefined {
  if (celFunctions.has(name)) return undefined;
  return { message: `unknown function ${name}`, unknown: { written: name, known: [...celFunctions] } };
}

/** Why a method can't be called. */
export function methodFault(name: string): Words | undefined {
  if (celMethods.has(name)) return undefined;
  if (name === 'matches') {
    const hint = 'write startsWith, endsWith or contains';
    return { message: 'regular expressions are not part of conditions', hint };
  }
  return { message: `unknown method ${name}`, unknown: { written: name, known: [...celMethods, ...celWalks] } };
}

/** Why a time zone can't be read. */
export function zoneFault(zone: ASTNode): Words | undefined {
  const hint = 'write a name such as "Europe/Zurich" or "UTC"';
  if (zone.op !== 'value' || typeof zone.args !== 'string') return { message: 'a time zone is written out', hint };
  return isTimeZone(zone.args) ? undefined : { message: `unknown time zone ${JSON.stringify(zone.args)}`, hint };
}
