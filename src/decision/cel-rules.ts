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
  if (/^x[-_]headgate[-_]/.test(written)) {
    const hint = 'write caller.subject, caller.groups, caller.client';
    return { message: `${written} is removed from what comes in`, hint };
  }
  if (/^(forwarded$|x[-_]forwarded[-_]|x[-_]real[-_]ip$)/.test(written)) {
    return { message: `${written} is whatever the caller writes into it`, hint: 'write request.address, request.host' };
  }
  return undefined;
}

const timestampForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const durationForm = /^-?(\d+(\.\d+)?(h|m|s|ms))+$/;

/** Why a function can't be called so. */
export function callFault(name: string, args: readonly ASTNode[]): Words | undefined {
  if (name === 'timestamp') {
    const hint = 'write timestamp("2026-01-31T08:00:00Z")';
    return isLiteral(args[0], timestampForm) ? undefined : { message: 'a time is written out (RFC 3339)', hint };
  }
  if (name === 'duration') {
    const message = 'a duration is written out';
    return isLiteral(args[0], durationForm) ? undefined : { message, hint: 'write duration("90m")' };
  }
  if (celFunctions.has(name)) return undefined;
  return { message: `unknown function ${name}`, unknown: { written: name, known: [...celFunctions] } };
}

/** A text that is written out and has the form. */
function isLiteral(node: ASTNode | undefined, form: RegExp): boolean {
  if (node?.op !== 'value' || typeof node.args !== 'string' || !form.test(node.args)) return false;
  return form !== timestampForm || !Number.isNaN(Date.parse(node.args));
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
