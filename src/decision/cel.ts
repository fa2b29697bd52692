import type { ParseError, ParseResult } from '@marcbachmann/cel-js';
import type { ConditionReads } from '../plan/types.ts';
import { ownMark, useOwn } from './cel-own.ts';
import { celCharactersMax, celEnvironment } from './cel-vocabulary.ts';
import { type CelFault, walkCel } from './cel-walk.ts';

export type { CelFault } from './cel-walk.ts';

/** Values of the vocabulary for one request. */
export interface CelContext {
  readonly request: object;
  readonly caller: object;
  readonly origin: object;
  readonly resource: object;
  readonly queue: object;
  readonly action: string;
  readonly operation: string;
  readonly environment: string;
}

/** A condition that was checked. `holds` throws where an error stands in the way, as an absent header does. */
export interface CelCondition {
  readonly reads: ConditionReads;
  holds(context: CelContext): boolean;
}

export type CheckedCel =
  | { readonly reads: ConditionReads; readonly readsOrigin?: true }
  | { readonly faults: readonly CelFault[] };

/** What a condition reads, or everything that is wrong with its text. */
export function checkCel(text: string): CheckedCel {
  const parsed = parseCel(text);
  return 'faults' in parsed ? parsed : { reads: parsed.reads, ...(parsed.readsOrigin && { readsOrigin: true }) };
}

/** Makes a condition ready to be asked many times; its text has to be one that `checkCel` finds nothing wrong with. */
export function compileCel(text: string): CelCondition | { readonly faults: readonly CelFault[] } {
  const parsed = parseCel(text);
  if ('faults' in parsed) return parsed;
  const { program, reads } = parsed;
  // Only `true` is true, whatever the library may return one day.
  return { reads, holds: (context) => program({ ...context }) === true };
}

/** `readsOrigin`: who the call is made for, which is a part of every key wherever it can be known. */
type ParsedCel = { readonly program: ParseResult; readonly reads: ConditionReads; readonly readsOrigin: boolean };

function parseCel(text: string): ParsedCel | { readonly faults: readonly CelFault[] } {
  if (text.length > celCharactersMax) {
    const message = `a condition has at most ${celCharactersMax} characters, this one has ${text.length}`;
    return { faults: [{ message, start: 0, end: text.length }] };
  }
  try {
    return readProgram(text, celEnvironment.parse(text));
  } catch (error) {
    return { faults: [libraryFault(text, error)] };
  }
}

function readProgram(text: string, program: ParseResult): ParsedCel | { readonly faults: readonly CelFault[] } {
  const { faults, headers, fields } = walkCel(program.ast);
  if (faults.length > 0) return { faults };
  const { valid, type, error } = program.check();
  if (!valid) return { faults: [libraryFault(text, error)] };
  const whole = { start: 0, end: text.length };
  if (type !== 'bool')
    return { faults: [{ message: `a condition is true or false, this one is of type ${type}`, ...whole }] };
  if (headers.size === 0 && fields.size === 0) {
    const message = 'this condition reads nothing of the call: it is always the same';
    return { faults: [{ message, hint: 'leave it out, or take out what it stands on', ...whole }] };
  }
  const own = bindOwn(text);
  if ('message' in own) return { faults: [own] };
  return {
    program: own,
    readsOrigin: [...fields].some((field) => field.startsWith('origin.')),
    reads: {
      headers: [...headers].sort(),
      address: fields.has('request.address'),
      time: fields.has('request.time'),
      ...(['queue.waiting', 'queue.inFlight'].some((field) => fields.has(field)) && { queue: true }),
    },
  };
}

/** The check has bound the library's own functions to its tree: a fresh one is bound to ours. */
function bindOwn(text: string): ParseResult | CelFault {
  const program = celEnvironment.parse(text);
  useOwn(program.ast);
  const { valid, error } = program.check();
  return valid ? program : libraryFault(text, error);
}

function libraryFault(text: string, error: unknown): CelFault {
  const known = error instanceof Error ? error : new Error(String(error));
  const message = 'summary' in known && typeof known.summary === 'string' ? known.summary : known.message;
  const range = 'range' in known ? (known.range as ParseError['range']) : undefined;
  const start = Math.min(range?.start ?? 0, text.length);
  const end = Math.min(Math.max(range?.end ?? text.length, start), text.length);
  return { message: `CEL: ${message.replaceAll(ownMark, '')}`, start, end };
}
