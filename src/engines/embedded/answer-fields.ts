import { isOfConnection } from './fields.ts';

/** What one pass over the fields of a replica's answer finds. */
export class AnswerFields {
  /** Those that go on: name, value, name, value… */
  readonly sent: string[] = [];
  /** Bytes that it says it has; undefined: it doesn't say. */
  length: number | undefined;
  announcesTrailers = false;
}

/** Reads the fields of an answer, less what is ours or the connection's. */
export function readAnswer(raw: readonly (Buffer | string)[]): AnswerFields {
  const answer = new AnswerFields();
  let connection: string | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = textOf(raw[at]);
    const value = textOf(raw[at + 1]);
    const kind = kinds.get(name) ?? kindOf(name);
    if (kind === dropped) continue;
    if (kind === connectionField) {
      connection = connection === undefined ? value : `${connection},${value}`;
      continue;
    }
    if (kind === lengthField) answer.length = Number(value);
    else if (kind === trailerField) answer.announcesTrailers = true;
    answer.sent.push(name, value);
  }
  if (connection !== undefined && !/^(keep-alive|close)$/i.test(connection)) drop(answer.sent, connection);
  return answer;
}

/** Bytes are read as they are written, a character a byte. */
function textOf(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '');
}

const kept = 0;
const dropped = 1;
const connectionField = 2;
const lengthField = 3;
const trailerField = 4;
const kinds = new Map<string, number>();
const namesMax = 1000;

function kindOf(name: string): number {
  const lower = name.toLowerCase();
  let kind = isOfConnection(lower) || lower === 'x-headgate-request-id' ? dropped : kept;
  if (lower === 'connection') kind = connectionField;
  if (lower === 'content-length') kind = lengthField;
  if (lower === 'trailer') kind = trailerField;
  if (kinds.size < namesMax) kinds.set(name, kind);
  return kind;
}

function drop(fields: string[], connection: string): void {
  const names = new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
  const left = fields.filter((_text, at) => !names.has((fields[at - (at % 2)] as string).toLowerCase()));
  fields.splice(0, fields.length, ...left);
}
