import type { WalkKind } from '../message-walk.ts';
import type { NamedModel } from '../model-spec.ts';
import type { WalkReason } from '../protobuf-fields.ts';

/** A body of a gRPC call, and what every walk of it has to find: data, for each engine's. */
export interface MessageCase {
  readonly name: string;
  readonly walk: WalkKind;
  readonly body: Buffer;
  readonly expect: NamedModel | { readonly refused: WalkReason };
}

/** A varint; `padding`: needless bytes. */
export function varint(value: number | bigint, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  for (let count = 0; count < padding; count += 1) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(0);
  }
  return Buffer.from(bytes);
}

/** A length-delimited field. */
export function bytesField(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}

/** One gRPC frame. */
export function frame(...fields: readonly Uint8Array[]): Buffer {
  const message = Buffer.concat(fields);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export const bytesMaxOfCases = 1_000_000;

const version = (number: number | bigint): Buffer => bytesField(2, Buffer.of(8), varint(number));
const label = (text: string): Buffer => bytesField(4, text);
const spec = (name: string, ...more: readonly Buffer[]): Buffer => bytesField(1, bytesField(1, name), ...more);
const task = (...fields: readonly Buffer[]): Buffer => bytesField(1, ...fields);
const good = spec('m');
const tensor = bytesField(2, Buffer.alloc(40, 7));
const malformed = { refused: 'message-malformed' } as const;
const ambiguous = { refused: 'message-ambiguous' } as const;
const raw = (...bytes: readonly number[]): Buffer => Buffer.from(bytes);

const named: readonly (readonly [name: string, body: Buffer, expect: NamedModel])[] = [
  ['name alone', frame(good), { model: 'm' }],
  ['with a tensor', frame(good, tensor), { model: 'm' }],
  ['with a version', frame(spec('m', version(3)), tensor), { model: 'm', version: '3' }],
  ['version 0 by an empty value', frame(spec('m', bytesField(2))), { model: 'm', version: '0' }],
  ['the largest version', frame(spec('m', version(2n ** 63n - 1n))), { model: 'm', version: '9223372036854775807' }],
  ['with a label', frame(spec('m', label('stable'))), { model: 'm', label: 'stable' }],
  ['with a signature', frame(spec('m', bytesField(3, 'serve'))), { model: 'm' }],
  ['name behind the version', frame(bytesField(1, version(3), bytesField(1, 'm'))), { model: 'm', version: '3' }],
  ['spec behind a small field', frame(tensor, good), { model: 'm' }],
  ['all printable', frame(spec('!~[x]"\'')), { model: '!~[x]"\'' }],
  ['unknown field in the spec', frame(spec('m', raw(0x80, 1, 1), bytesField(20, 'x'))), { model: 'm' }],
  [
    'free fields of every type',
    frame(good, raw(0x85, 1, 1, 2, 3, 4, 0x81, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 1, 5)),
    { model: 'm' },
  ],
  ['a spec of 1024 bytes', frame(spec('m', bytesField(3, Buffer.alloc(1018, 65)))), { model: 'm' }],
  ['4096 fields', frame(good, ...Array.from({ length: 4095 }, () => bytesField(3, 'x'))), { model: 'm' }],
  ['larger than a buffer', frame(good, bytesField(2, Buffer.alloc(100_000))), { model: 'm' }],
  [
    'spec at the end of the first 16 kB',
    frame(bytesField(2, Buffer.alloc(16_384 - 5 - 3 - 5)), good, tensor),
    { model: 'm' },
  ],
];

const refused: readonly (readonly [name: string, body: Buffer, expect: { readonly refused: WalkReason }])[] = [
  ['no body', Buffer.alloc(0), malformed],
  ['half a head', frame(good).subarray(0, 3), malformed],
  ['an empty message', frame(), malformed],
  ['cut short', frame(good, tensor).subarray(0, -1), malformed],
  ['cut short in the spec', frame(spec('model')).subarray(0, 10), malformed],
  ['compressed', Buffer.concat([raw(1), frame(good).subarray(1)]), { refused: 'message-compressed' }],
  ['another flag', Buffer.concat([raw(2), frame(good).subarray(1)]), malformed],
  ['over the bound', Buffer.concat([raw(0, 0, 15, 0x42, 0x3c), good]), { refused: 'body-too-large' }],
  ['a second message', Buffer.concat([frame(good), frame(good)]), malformed],
  ['a byte after it', Buffer.concat([frame(good), raw(0)]), malformed],
  ['spec twice', frame(good, tensor, spec('evil')), ambiguous],
  ['the same spec twice', frame(good, good), ambiguous],
  ['a second spec with a version alone', frame(good, bytesField(1, version(9))), ambiguous],
  ['a second spec with an overlong tag', frame(good, raw(0x8a, 0, 3, 0x0a, 1, 0x65)), malformed],
  ['a tag of more than 32 bits', frame(good, raw(0x8a, 0x80, 0x80, 0x80, 0x10, 3, 0x0a, 1, 0x65)), malformed],
  ['name twice', frame(bytesField(1, bytesField(1, 'm'), bytesField(1, 'evil'))), ambiguous],
  ['version twice', frame(spec('m', version(3), version(4))), ambiguous],
  ['version and label', frame(spec('m', version(3), label('stable'))), ambiguous],
  ['two values in a version', frame(spec('m', bytesField(2, raw(8, 3, 8, 4)))), ambiguous],
  ['a negative version', frame(spec('m', version(2n ** 64n - 1n))), malformed],
  ['an overlong version', frame(spec('m', bytesField(2, raw(8, 0x83, 0)))), malformed],
  ['another field in a version', frame(spec('m', bytesField(2, raw(16, 3)))), malformed],
  ['no name', frame(bytesField(1, version(3))), malformed],
  ['an empty spec', frame(bytesField(1), tensor), malformed],
  ['an empty name', frame(spec('')), malformed],
  ['an empty label', frame(spec('m', label(''))), malformed],
  ['a NUL in the name', frame(spec('m\0evil')), malformed],
  ['a blank in the name', frame(spec('m evil')), malformed],
  ['a name beyond ASCII', frame(spec('é')), malformed],
  ['a name of another type', frame(bytesField(1, raw(8, 1))), malformed],
  ['a spec of another type', frame(raw(8, 1), good), malformed],
  ['a known field of another type', frame(good, raw(0x18, 1)), malformed],
  ['a spec of 1025 bytes', frame(spec('m', bytesField(3, Buffer.alloc(1019, 65)))), malformed],
  ['a field of fixed size in the spec', frame(spec('m', raw(0x85, 1, 1, 2, 3, 4))), malformed],
  ['4097 fields', frame(good, ...Array.from({ length: 4096 }, () => bytesField(3, 'x'))), malformed],
  ['no spec', frame(tensor), malformed],
  ['spec behind a large tensor', frame(bytesField(2, Buffer.alloc(20_000)), good), malformed],
  [
    'spec over the end of the first 16 kB',
    frame(bytesField(2, Buffer.alloc(16_384 - 5 - 3 - 4)), good, tensor),
    malformed,
  ],
  ['a length that would swallow an append', frame(good, raw(0x7a, 0x20)), malformed],
  ['half a tag at the end', frame(good, raw(0x80)), malformed],
  ['half a varint at the end', frame(good, raw(0x80, 1, 0x80)), malformed],
  ['an overlong varint', frame(good, raw(0x80, 1), Buffer.alloc(10, 0x80), raw(0)), malformed],
  ['an overlong length', frame(good, raw(0x12), varint(2, 1), raw(0, 0)), malformed],
  ['field number 0', frame(good, raw(2, 0)), malformed],
  ['a group', frame(good, raw(0x83, 1, 0x84, 1)), malformed],
  ['wire type 6', frame(good, raw(0x86, 1)), malformed],
  ['wire type 7', frame(good, raw(0x87, 1)), malformed],
  ['a fixed field over the end', frame(good, raw(0x85, 1, 1, 2, 3)), malformed],
];

const tasks: readonly (readonly [name: string, body: Buffer, expect: MessageCase['expect']])[] = [
  ['one task', frame(task(good), tensor), { model: 'm' }],
  [
    'two for one model',
    frame(task(spec('m', version(3)), bytesField(2, 'a')), task(spec('m', version(3)))),
    { model: 'm', version: '3' },
  ],
  ['two for two models', frame(task(good), task(spec('evil'))), ambiguous],
  ['two for two versions', frame(task(spec('m', version(3))), task(good)), ambiguous],
  ['a forbidden task behind the input', frame(task(good), tensor, task(spec('evil'))), ambiguous],
  ['a task far in', frame(task(good), bytesField(2, Buffer.alloc(20_000)), task(good)), malformed],
  ['spec twice in a task', frame(task(good, good)), ambiguous],
  ['a task without a spec', frame(task(good), task(bytesField(2, 'a'))), malformed],
  ['an empty task', frame(task(good), task()), malformed],
];

const none: typeof tasks = [
  ['any message', frame(raw(0xff, 0xff)), {}],
  ['an empty message', frame(), {}],
  ['cut short', frame(tensor).subarray(0, -1), malformed],
  ['a byte after it', Buffer.concat([frame(tensor), raw(0)]), malformed],
  ['compressed', Buffer.concat([raw(1), frame().subarray(1)]), { refused: 'message-compressed' }],
];

/** Every rule of the walk, at least once. */
export const messageCases: readonly MessageCase[] = [
  ...[...named, ...refused].map(([name, body, expect]) => ({ name, walk: 'spec' as const, body, expect })),
  ...tasks.map(([name, body, expect]) => ({ name: `tasks: ${name}`, walk: 'tasks' as const, body, expect })),
  ...none.map(([name, body, expect]) => ({ name: `none: ${name}`, walk: 'none' as const, body, expect })),
];
