import type { Node, YAMLMap } from 'yaml';
import { z } from 'zod';
import type { Code, Report, Source } from '../../diagnostics/index.ts';
import { remember } from '../../std/remember.ts';

/** What is wrong with a text. */
export interface Fault {
  readonly code: Code;
  readonly message: string;
  readonly hint?: string;
}

/** A map in the file, with what a check over several of its keys needs. */
export interface CheckedMap {
  readonly map: YAMLMap;
  readonly source: Source;
  readonly report: Report;
}

/** A list in the file, for checks over its items. */
export interface CheckedItems {
  readonly items: readonly Node[];
  readonly source: Source;
  readonly report: Report;
}

/** What our diagnostics need to know of a schema beyond its form. It never reaches the JSON Schema. */
export interface Note {
  /** `a rate such as 200/s`: for “… is needed here”. Of an object also for “in …”: `a rule`. */
  readonly what?: string;
  /** Of an object, where `what` doesn't go with “in …” and “… needs …”: `a caller`. */
  readonly within?: string;
  /** Hint where the value is of another kind or missing. */
  readonly hint?: string;
  /** A feature of a later version: the message that says so. */
  readonly later?: Fault;
  /** Values of an enumeration that a later version brings. */
  readonly laterValues?: Readonly<Record<string, Fault>>;
  /** What is wrong with a text, in words of its own. */
  readonly fault?: (text: string) => Fault | undefined;
  /** What is wrong with a number, a truth value or nothing where a text belongs, in words of its own. */
  readonly otherKind?: (value: unknown) => Fault | undefined;
  /** Of an object that is one of several kinds of map: the keys by which a map is of this kind. */
  readonly chosenBy?: readonly string[];
  /** Over several keys of an object. */
  readonly checkMap?: (checked: CheckedMap) => void;
  /** Over the items of a list. */
  readonly checkItems?: (checked: CheckedItems) => void;
}

/** Our notes on schemas, kept beside zod's own metadata, which goes into the JSON Schema. Written by `note`, read by `noteOf`. */
export const notes = z.registry<Record<string, unknown>>();

/** A note in the form that zod's registry takes: it would map the types of functions and classes within. */
export function note(value: Note): Record<string, unknown> {
  return { ...value };
}

/** The note on a schema. */
export const noteOf = remember((schema: z.ZodType): Note | undefined => notes.get(schema) as Note | undefined);

/** The diagnostic for what a later version brings. `feature` is a plural unless `one` is given. */
export function laterFault(feature: string, options: { readonly one?: boolean; readonly hint?: string } = {}): Fault {
  const words = options.one
    ? `${feature} comes with a later version; this version doesn't read it`
    : `${feature} come with a later version; this version doesn't read them`;
  return { code: 'HG1120', message: words, ...(options.hint && { hint: options.hint }) };
}

/** A key of a later version: known, so that it can be named, and never accepted. */
export function later(
  feature: string,
  options: { readonly one?: boolean; readonly hint?: string } = {},
): z.ZodOptional<z.ZodNever> {
  const fault = laterFault(feature, options);
  const sentence = `${fault.message.charAt(0).toUpperCase()}${fault.message.slice(1)}.`;
  return z
    .never()
    .describe(sentence)
    .register(notes, note({ later: fault }))
    .optional();
}

/** For the JSON Schema of an object: exactly one of these keys is there. */
export function exactlyOneOf(...keys: readonly string[]): { readonly oneOf: readonly Record<string, unknown>[] } {
  return { oneOf: keys.map((key) => ({ type: 'object', properties: { [key]: {} }, required: [key] })) };
}
