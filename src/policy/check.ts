import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { z } from 'zod';
import { listNames, nearestName, type Report, type Source } from '../diagnostics/index.ts';
import type { Span } from '../diagnostics/types.ts';
import { remember } from '../std/remember.ts';
import { checkScalar } from './scalars.ts';
import { type Note, noteOf } from './schema/notes.ts';
import { shown } from './shown.ts';
import { strangerFault } from './strangers.ts';
import { headOf, keyText, kindOf, pairOf, spanOf } from './tree.ts';

/** What a check works on. */
export interface Checking {
  readonly source: Source;
  readonly report: Report;
  /** Which file it is: keys that belong into the other one are told apart from unknown ones. */
  readonly file: FileKind;
}

export type FileKind = 'policy' | 'environment' | 'tests';

/** Where a value stands: its node, or the key that has no value. */
interface Place {
  readonly node: Node | null;
  readonly span: Span;
}

/** Holds a tree against a schema and reports every way in which it does not fit, going on after each. */
export function checkTree(schema: z.ZodType, node: Node, checking: Checking): void {
  check(schema, { node, span: headOf(node, checking.source) }, checking);
}

function check(schema: z.ZodType, place: Place, checking: Checking): void {
  const inner = unwrap(schema);
  const note = noteOf(inner) ?? {};
  if (note.later !== undefined) {
    const { code, message, hint } = note.later;
    checking.report.add(code, message, { span: place.span, hint });
    return;
  }
  if (isAlias(place.node)) return;
  if (inner instanceof z.ZodUnion) checkUnion(inner, place, checking);
  else if (inner instanceof z.ZodObject) checkObject(inner, place, checking);
  else if (inner instanceof z.ZodRecord) checkRecord(inner, place, checking);
  else if (inner instanceof z.ZodArray) checkArray(inner, place, checking);
  else if (isScalar(place.node)) checkScalar(inner, place.node, checking);
  else reportKind(describe(inner), place, checking, note.hint);
}

/** Without the wrappers that only say that a value may be missing. */
const unwrap = remember(
  (schema: z.ZodType): z.ZodType => (schema instanceof z.ZodOptional ? unwrap(schema.unwrap() as z.ZodType) : schema),
);

type Shape = 'map' | 'list' | 'scalar' | 'null';

const shapeOf = remember((schema: z.ZodType): Shape => {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return 'map';
  if (inner instanceof z.ZodArray) return 'list';
  return inner instanceof z.ZodNull ? 'null' : 'scalar';
});

function shapeOfNode(node: Node | null): Shape {
  if (isMap(node)) return 'map';
  if (isSeq(node)) return 'list';
  return isScalar(node) && node.value !== null ? 'scalar' : 'null';
}

function checkUnion(schema: z.ZodUnion, place: Place, checking: Checking): void {
  const options = flatOptions(schema);
  const chosen = options.find((option) => shapeOf(option) === shapeOfNode(place.node) && isChosen(option, place.node));
  if (chosen !== undefined) {
    if (shapeOf(chosen) !== 'null') check(chosen, place, checking);
    return;
  }
  const hint = [schema, ...options].map((option) => noteOf(unwrap(option))?.hint).find((each) => each !== undefined);
  reportKind(noteOf(schema)?.what ?? alternatives(options), place, checking, hint);
}

/** Where a union has several kinds of map, the keys that are written tell which one is meant; a number is one where it looks like one. */
function isChosen(option: z.ZodType, node: Node | null): boolean {
  if (unwrap(option) instanceof z.ZodNumber) return isScalar(node) && typeof node.value === 'number';
  const keys = noteOf(unwrap(option))?.chosenBy;
  return keys === undefined || (isMap(node) && keys.some((key) => pairOf(node, key) !== undefined));
}

/** The options of a union, and those of unions within it. */
const flatOptions = remember((schema: z.ZodUnion): readonly z.ZodType[] =>
  schema.options.flatMap((option) => (option instanceof z.ZodUnion ? flatOptions(option) : [option as z.ZodType])),
);

function alternatives(options: readonly z.ZodType[]): string {
  return options
    .filter((option) => !(unwrap(option) instanceof z.ZodNever || option instanceof z.ZodNull))
    .map(describe)
    .join(' or ');
}

/** What belongs here, in words: `a rate such as …`, `a list`. */
function describe(schema: z.ZodType): string {
  const inner = unwrap(schema);
  const note = noteOf(inner);
  if (inner instanceof z.ZodEnum) return listNames(Object.values(inner.enum).map(String), 'or');
  if (note?.what !== undefined) return note.what;
  if (inner instanceof z.ZodArray) return 'a list of them';
  if (inner instanceof z.ZodUnion) return alternatives(flatOptions(inner));
  return shapeOf(inner) === 'map' ? 'a map' : 'a value';
}

function checkObject(schema: z.ZodObject, place: Place, checking: Checking): void {
  const note = noteOf(schema) ?? {};
  if (!isMap(place.node)) {
    reportKind(note.what ?? 'a map', place, checking, note.hint);
    return;
  }
  const map = place.node;
  const keys = Object.keys(schema.shape);
  for (const pair of map.items) {
    const key = keyText(pair);
    if (key === undefined || !isScalar(pair.key) || typeof pair.key.value !== 'string' || key === '<<') continue;
    const member = Object.hasOwn(schema.shape, key) ? (schema.shape[key] as z.ZodType) : undefined;
    if (member === undefined) {
      reportUnknown(pair.key, { within: note.within ?? note.what, keys: writable(schema, keys) }, checking);
    } else check(member, placeOf(pair.key, pair.value as Node | null, member, checking), checking);
  }
  if (map.items.length === 0 && schema.meta()?.minProperties !== undefined)
    reportEmpty('this map', place, checking, note);
  // What a merge key would bring can't be told, so nothing is missed where one stands.
  if (pairOf(map, '<<') !== undefined) return;
  reportMissing(schema, map, place.span, checking);
  note.checkMap?.({ map, source: checking.source, report: checking.report });
}

/** Keys that this version reads. */
function writable(schema: z.ZodObject, keys: readonly string[]): string[] {
  return keys.filter((key) => !(unwrap(schema.shape[key] as z.ZodType) instanceof z.ZodNever));
}

/** What a later version brings is pointed at by its key; anything else by its value, where there is one. */
function placeOf(key: Scalar, value: Node | null, schema: z.ZodType, checking: Checking): Place {
  const written = value !== null && !(isScalar(value) && value.source === '');
  const atKey = !written || unwrap(schema) instanceof z.ZodNever;
  return { node: value, span: atKey ? spanOf(key, checking.source) : headOf(value, checking.source) };
}

function reportUnknown(
  key: Scalar,
  known: { within: string | undefined; keys: readonly string[] },
  checking: Checking,
): void {
  const written = String(key.value);
  const span = spanOf(key, checking.source);
  const stranger = strangerFault(written, checking.file);
  if (stranger !== undefined) {
    checking.report.add(stranger.code, stranger.message, { span, hint: stranger.hint });
    return;
  }
  const near = nearestName(written, known.keys);
  const suggestion = near === undefined ? '' : `did you mean \`${near}\`? `;
  const hint = `${suggestion}${keysHere(known.keys)}`;
  checking.report.add('HG1101', `unknown key \`${shown(written)}\` in ${known.within ?? 'this map'}`, { span, hint });
}

function keysHere(keys: readonly string[]): string {
  if (keys.length === 0) return 'this version knows no keys here';
  return `the ${keys.length === 1 ? 'key here is' : 'keys here are'} ${listNames(keys)}`;
}

function reportMissing(schema: z.ZodObject, map: YAMLMap, span: Span, checking: Checking): void {
  const note = noteOf(schema);
  const what = note?.within ?? note?.what ?? 'this map';
  for (const [key, member] of Object.entries(schema.shape)) {
    if (member instanceof z.ZodOptional || pairOf(map, key) !== undefined) continue;
    if (noteOf(unwrap(member as z.ZodType))?.what === '`version: 1`') {
      checking.report.add('HG1110', '`version` is missing', { span, hint: 'start the file with `version: 1`' });
      continue;
    }
    const whole = noteOf(unwrap(member as z.ZodType))?.hint;
    const hint = whole?.includes(`\`${key}: `) ? whole : `add \`${key}\`: ${describe(member as z.ZodType)}`;
    checking.report.add('HG1102', `${what} needs \`${key}\``, { span, hint });
  }
}

function checkRecord(schema: z.ZodRecord, place: Place, checking: Checking): void {
  const note = noteOf(schema) ?? {};
  if (!isMap(place.node)) {
    reportKind(note.what ?? 'a map', place, checking, note.hint);
    return;
  }
  if (place.node.items.length === 0) reportEmpty('this map', place, checking, note);
  const value = schema.valueType as z.ZodType;
  for (const pair of place.node.items) {
    if (!isScalar(pair.key) || pair.key.value === '<<') continue;
    if (typeof pair.key.value === 'string') checkScalar(schema.keyType as unknown as z.ZodType, pair.key, checking);
    check(value, placeOf(pair.key, pair.value as Node | null, value, checking), checking);
  }
}

function checkArray(schema: z.ZodArray, place: Place, checking: Checking): void {
  const note = noteOf(schema) ?? {};
  if (!isSeq(place.node)) {
    reportKind(note.what ?? 'a list', place, checking, note.hint);
    return;
  }
  const list = place.node as YAMLSeq<Node>;
  if (list.items.length === 0 && !schema.safeParse([]).success) reportEmpty('this list', place, checking, note);
  const element = schema.element as z.ZodType;
  for (const item of list.items) check(element, { node: item, span: headOf(item, checking.source) }, checking);
  note.checkItems?.({ items: list.items, source: checking.source, report: checking.report });
}

function reportEmpty(what: string, place: Place, checking: Checking, note: Note): void {
  checking.report.add('HG1106', `${what} is empty`, { span: place.span, hint: note.hint ?? 'write at least one' });
}

function reportKind(expected: string, place: Place, checking: Checking, hint: string | undefined): void {
  const found = isMap(place.node)
    ? 'a map'
    : isSeq(place.node)
      ? 'a list'
      : kindOf(isScalar(place.node) ? place.node.value : null);
  const message =
    found === 'nothing' ? `nothing is written here; ${expected} is needed` : `${expected} is needed here, not ${found}`;
  checking.report.add('HG1103', message, { span: place.span, hint });
}
