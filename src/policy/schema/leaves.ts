import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHostPort } from '../../std/host-port.ts';
import { shown } from '../shown.ts';
import { type Fault, note, notes } from './notes.ts';

/** Longest name of anything, and longest name of a rule. Characters. */
export const nameCharactersMax = 120;

/** Keys of a group that is written as a map of its own: no name of an identity. */
export const groupKeys: readonly string[] = ['members', 'owner', 'note'];

/** Names that every JavaScript object has already: no name of ours, so that no look-up can ever find one. */
const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** A text whose faults are told in our own words. */
export function text(what: string, fault: (text: string) => Fault | undefined, options: TextOptions = {}): z.ZodString {
  const form = options.pattern ? z.string().regex(options.pattern) : z.string().min(1);
  const described = options.description ? form.describe(options.description) : form;
  const whole = (written: string) => (written.trim() === '' ? emptyFault(what) : fault(written));
  const { hint, otherKind } = options;
  return described.register(
    notes,
    note({ what, fault: whole, ...(hint && { hint }), ...(otherKind && { otherKind }) }),
  );
}

export interface TextOptions {
  readonly pattern?: RegExp;
  readonly description?: string;
  readonly hint?: string;
  readonly otherKind?: (value: unknown) => Fault | undefined;
}

/** Any text that isn't empty. */
export function anything(): undefined {
  return undefined;
}

function emptyFault(what: string): Fault {
  return { code: 'HG1106', message: 'this text is empty', hint: `write ${what}` };
}

interface NameOptions {
  readonly reserved?: readonly string[];
  readonly addresses?: boolean;
  /** What is wrong with a number, where a name must not be one. */
  readonly number?: (written: string) => Fault;
}

/** A name of the given kind: `name('a group')`. */
export function name(what: string, options: NameOptions = {}): z.ZodString {
  const named = `the name of ${what}`;
  const { number } = options;
  const otherKind = number && ((value: unknown) => (typeof value === 'number' ? number(String(value)) : undefined));
  const fault = (written: string) => nameFault(written, named, options);
  return text(named, fault, { pattern: nameForm, ...(otherKind && { otherKind }) });
}

function nameFault(written: string, what: string, options: NameOptions): Fault | undefined {
  if (options.number !== undefined && /^[0-9]+$/.test(written)) return options.number(written);
  if (!options.addresses && looksLikeAddress(written)) return addressFault(written);
  if (written.length > nameCharactersMax) {
    return { code: 'HG1105', message: `${what} has more than ${nameCharactersMax} characters` };
  }
  if (!nameForm.test(written)) {
    const hint = 'start with a letter or digit; go on with letters, digits, `_`, `.` and `-`';
    return { code: 'HG1105', message: `\`${shown(written)}\` is not ${what}`, hint };
  }
  if (options.reserved?.includes(written) || inherited.has(written)) {
    const hint = 'choose another name';
    return { code: 'HG1220', message: `\`${written}\` has a meaning of its own and can't be ${what}`, hint };
  }
  return undefined;
}

/** Whether a text is an address rather than a name: a URL, an IP address, a host and a port. */
export function looksLikeAddress(written: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written) || isIP(written) !== 0) return true;
  return !('fault' in parseHostPort(written));
}

/** The diagnostic for an address in a policy. */
export function addressFault(written: string): Fault {
  const hint = 'give it a name here, and bind the name to its address in `environments/<name>.yaml`';
  return { code: 'HG1201', message: `\`${shown(written)}\` is an address, and a policy holds none`, hint };
}

/** One, or a list of one and more: any of them. */
export function oneOrMany<T extends z.ZodType>(one: T): z.ZodUnion<readonly [T, z.ZodArray<T>]> {
  return z.union([one, z.array(one).min(1)] as const);
}
