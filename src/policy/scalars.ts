import type { Scalar } from 'yaml';
import { z } from 'zod';
import { listNames, nearestName } from '../diagnostics/index.ts';
import type { Checking } from './check.ts';
import { noteOf } from './schema/notes.ts';
import { shown } from './shown.ts';
import { kindOf, spanOf } from './tree.ts';

/** Holds one scalar against a schema of text, number, truth value, or certain words. */
export function checkScalar(schema: z.ZodType, node: Scalar, checking: Checking): void {
  if (schema instanceof z.ZodEnum) checkWord(schema, node, checking);
  else if (schema instanceof z.ZodLiteral) checkLiteral(schema, node, checking);
  else if (schema instanceof z.ZodString) checkText(schema, node, checking);
  else if (!schema.safeParse(node.value).success) wrongKind(schema, node, checking);
  else if (schema instanceof z.ZodNumber && !/^-?[0-9]+$/.test(node.source ?? '')) wrongKind(schema, node, checking);
  else checkOlderReaders(node, checking);
}

function checkWord(schema: z.ZodEnum, node: Scalar, checking: Checking): void {
  const note = noteOf(schema);
  const allowed = Object.values(schema.enum).map(String);
  const written = typeof node.value === 'string' ? node.value : String(node.source ?? node.value);
  if (allowed.includes(written) && typeof node.value === 'string') return;
  const span = spanOf(node, checking.source);
  const known =
    note?.laterValues && Object.hasOwn(note.laterValues, written) ? note.laterValues[written] : note?.fault?.(written);
  if (known !== undefined) {
    checking.report.add(known.code, known.message, { span, hint: known.hint });
    return;
  }
  const near = nearestName(written, allowed);
  const hint = `${near === undefined ? '' : `did you mean \`${near}\`? `}allowed: ${listNames(allowed, 'or')}`;
  const message =
    node.value === null
      ? `nothing is written here; ${note?.what ?? 'a word'} is needed`
      : `\`${shown(written)}\` is not ${note?.what ?? 'allowed here'}`;
  checking.report.add('HG1104', message, { span, hint });
}

function checkLiteral(schema: z.ZodLiteral, node: Scalar, checking: Checking): void {
  const values = [...schema.values];
  // `1.0` and `0x1` are the number 1 too: what counts is how it is written.
  const sameText = node.type !== 'PLAIN' || node.source === undefined || node.source === String(node.value);
  if (values.includes(node.value as never) && sameText) return;
  const span = spanOf(node, checking.source);
  const what = noteOf(schema)?.what ?? listNames(values.map(String), 'or');
  const written = String(node.source ?? node.value);
  if (what === '`version: 1`') {
    const hint = 'write `version: 1`: a whole number without quotes';
    const message = node.value === null ? '`version` has no value' : `version \`${shown(written)}\` is not known`;
    checking.report.add('HG1111', message, { span, hint });
    return;
  }
  checking.report.add('HG1104', `\`${shown(written)}\` is not ${what}`, { span, hint: noteOf(schema)?.hint });
}

function checkText(schema: z.ZodString, node: Scalar, checking: Checking): void {
  if (typeof node.value !== 'string') {
    wrongKind(schema, node, checking);
    return;
  }
  const fault = noteOf(schema)?.fault?.(node.value);
  if (fault !== undefined) {
    checking.report.add(fault.code, fault.message, { span: spanOf(node, checking.source), hint: fault.hint });
    return;
  }
  if (!schema.safeParse(node.value).success) {
    const message = `\`${shown(node.value)}\` is not ${noteOf(schema)?.what ?? 'allowed here'}`;
    checking.report.add('HG1100', message, { span: spanOf(node, checking.source) });
    return;
  }
  checkOlderReaders(node, checking);
}

function wrongKind(schema: z.ZodType, node: Scalar, checking: Checking): void {
  const known = noteOf(schema)?.otherKind?.(node.value);
  if (known !== undefined) {
    checking.report.add(known.code, known.message, { span: spanOf(node, checking.source), hint: known.hint });
    return;
  }
  const what = noteOf(schema)?.what ?? 'a value';
  const source = node.source ?? '';
  const quoted = schema instanceof z.ZodString && source !== '' && node.value !== null;
  const hint = noteOf(schema)?.hint ?? (quoted ? `if it is meant as text, put it in quotes: "${source}"` : undefined);
  const span = spanOf(node, checking.source);
  const found = kindOf(node.value);
  const message =
    node.value === null ? `nothing is written here; ${what} is needed` : `${what} is needed here, not ${found}`;
  checking.report.add('HG1103', message, { span, hint });
}

/** Plain words that readers of YAML 1.1 take for a truth value, an octal number or a count in base 60. */
const olderReading = /^(y|yes|n|no|on|off|[-+]?0[0-7_]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+)$/i;

function checkOlderReaders(node: Scalar, checking: Checking): void {
  const written = node.source ?? '';
  if (node.type !== 'PLAIN' || !olderReading.test(written)) return;
  const hint = typeof node.value === 'string' ? `put it in quotes: "${written}"` : 'write it without the leading zero';
  const message = `older readers of YAML take \`${written}\` for something else`;
  checking.report.add('HG1014', message, { span: spanOf(node, checking.source), hint });
}
