import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { modelSpecBytesMax, modelSpecWithinBytesMax } from '../src/std/limits.ts';
import {
  chosenVersionBytes,
  MessageWalk,
  type NamedModel,
  tasksWithVersion,
  type WalkFault,
  type WalkKind,
} from '../src/wire/index.ts';
import {
  bytesField,
  frame,
  modelLabel,
  modelName,
  modelSpec,
  modelVersion,
  tag,
  varint,
  varintField,
} from './support/protobuf-bytes.ts';
import { encoded, parsedModels } from './support/serving-parser.ts';

const bytesMax = 64 * 1024 * 1024;

function walk(chunks: readonly Uint8Array[], kind: WalkKind = 'spec', max = bytesMax): NamedModel | WalkFault {
  const walked = new MessageWalk(kind, max);
  const sound = chunks.every((chunk) => walked.push(chunk)) && walked.end();
  assert.equal(sound, walked.fault === undefined);
  return walked.fault ?? walked.named;
}

const tensor = bytesField(2, bytesField(1, 'inputs'), bytesField(2, Buffer.alloc(300, 7)));
const overlong = (value: number) => Buffer.from([value | 0x80, 0x00]);
const bytes = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);
const spec = modelSpec(modelName('m'));

describe('a message that every parser reads alike', () => {
  const cases: readonly (readonly [string, Buffer, NamedModel])[] = [
    ['a name', spec, { model: 'm' }],
    ['a name and a tensor', bytes(spec, tensor), { model: 'm' }],
    ['the spec behind a small tensor', bytes(tensor, spec), { model: 'm' }],
    ['a version', modelSpec(modelName('m'), modelVersion(3)), { model: 'm', version: '3' }],
    ['the version first', modelSpec(modelVersion(3), modelName('m')), { model: 'm', version: '3' }],
    ['version 0, written', modelSpec(modelName('m'), modelVersion(0)), { model: 'm', version: '0' }],
    ['version 0, left out', modelSpec(modelName('m'), bytesField(2)), { model: 'm', version: '0' }],
    [
      'the highest version',
      modelSpec(modelName('m'), modelVersion(2n ** 63n - 1n)),
      { model: 'm', version: '9223372036854775807' },
    ],
    ['a label', modelSpec(modelName('m'), modelLabel('canary')), { model: 'm', label: 'canary' }],
    ['a signature', modelSpec(modelName('m'), bytesField(3, 'serving_default')), { model: 'm' }],
    ['unknown fields in the spec', modelSpec(modelName('m'), varintField(19, 1), bytesField(10, 'x')), { model: 'm' }],
    [
      'unknown fields of each type',
      bytes(spec, varintField(19, 2n ** 64n - 1n), tag(20, 1), Buffer.alloc(8), tag(21, 5), Buffer.alloc(4)),
      { model: 'm' },
    ],
    ['fields 2 twice', bytes(spec, tensor, tensor), { model: 'm' }],
  ];
  for (const [what, message, named] of cases) {
    it(what, () => {
      assert.deepEqual(walk([frame(message)]), named);
      assert.deepEqual(parsedModels(message, 'Predict'), [named]);
      assert.deepEqual(walk([...frame(message)].map((byte) => Uint8Array.of(byte))), named, 'byte by byte');
    });
  }
});

describe('a message that is refused', () => {
  const far = modelSpecWithinBytesMax;
  const cases: readonly (readonly [WalkFault['reason'], string, Buffer])[] = [
    ['message-ambiguous', 'model_spec twice', frame(bytes(spec, modelSpec(modelName('other'))))],
    ['message-ambiguous', 'model_spec twice, the same', frame(bytes(spec, spec))],
    ['message-ambiguous', 'a second, partial model_spec', frame(bytes(spec, tensor, modelSpec(modelVersion(2))))],
    ['message-ambiguous', 'name twice', frame(modelSpec(modelName('m'), modelName('other')))],
    ['message-ambiguous', 'version and label', frame(modelSpec(modelName('m'), modelVersion(1), modelLabel('x')))],
    ['message-ambiguous', 'label and version', frame(modelSpec(modelName('m'), modelLabel('x'), modelVersion(1)))],
    ['message-ambiguous', 'version twice', frame(modelSpec(modelName('m'), modelVersion(1), modelVersion(2)))],
    [
      'message-ambiguous',
      'value of the version twice',
      frame(modelSpec(modelName('m'), bytesField(2, varintField(1, 1), varintField(1, 2)))),
    ],
    ['message-malformed', 'no model_spec', frame(tensor)],
    ['message-malformed', 'an empty message', frame(Buffer.alloc(0))],
    ['message-malformed', 'no body', Buffer.alloc(0)],
    ['message-malformed', 'an empty model_spec', frame(modelSpec())],
    ['message-malformed', 'no name', frame(modelSpec(modelVersion(1)))],
    ['message-malformed', 'an empty name', frame(modelSpec(modelName('')))],
    ['message-malformed', 'a name with a control character', frame(modelSpec(modelName('m\n')))],
    ['message-malformed', 'a name that is no UTF-8', frame(modelSpec(bytesField(1, Buffer.from([0xff]))))],
    ['message-malformed', 'an empty label', frame(modelSpec(modelName('m'), modelLabel('')))],
    ['message-malformed', 'a negative version', frame(modelSpec(modelName('m'), modelVersion(2n ** 64n - 1n)))],
    ['message-malformed', 'a name that is no text', frame(modelSpec(varintField(1, 1)))],
    ['message-malformed', 'model_spec as a number', frame(bytes(varintField(1, 1), spec))],
    ['message-malformed', 'a known field of another type', frame(bytes(spec, varintField(2, 1)))],
    [
      'message-malformed',
      'a known field of another type in the spec',
      frame(modelSpec(modelName('m'), varintField(3, 1))),
    ],
    ['message-malformed', 'a group', frame(bytes(spec, tag(9, 3), tag(9, 4)))],
    ['message-malformed', 'a group within the spec', frame(modelSpec(modelName('m'), tag(9, 3), tag(9, 4)))],
    ['message-malformed', 'wire type 6', frame(bytes(spec, tag(9, 6)))],
    ['message-malformed', 'wire type 7', frame(bytes(spec, tag(9, 7)))],
    ['message-malformed', 'field number 0', frame(bytes(spec, tag(0, 2), varint(0)))],
    ['message-malformed', 'an overlong tag', frame(bytes(overlong(0x0a), varint(3), modelName('m')))],
    ['message-malformed', 'an overlong length', frame(bytes(tag(1, 2), overlong(3), modelName('m')))],
    ['message-malformed', 'a tag of 33 bits', frame(bytes(spec, varint(2n ** 32n + 16n)))],
    ['message-malformed', 'an overlong tag in the spec', frame(modelSpec(overlong(0x0a), varint(1), Buffer.from('m')))],
    ['message-malformed', 'a value of eleven bytes', frame(bytes(spec, tag(19, 0), Buffer.alloc(10, 0xff), varint(1)))],
    [
      'message-malformed',
      'fixed fields within the spec',
      frame(modelSpec(modelName('m'), tag(19, 5), Buffer.alloc(4))),
    ],
    ['message-malformed', 'a trailing field that swallows what follows', frame(bytes(spec, tag(15, 2), varint(100)))],
    ['message-malformed', 'a fixed field cut by the end', frame(bytes(spec, tag(25, 1), Buffer.alloc(7)))],
    ['message-malformed', 'a trailing tag', frame(bytes(spec, tag(15, 2)))],
    ['message-malformed', 'half a tag', frame(bytes(spec, Buffer.from([0x82])))],
    ['message-malformed', 'half a number', frame(bytes(spec, tag(19, 0), Buffer.from([0x82])))],
    ['message-malformed', 'a length beyond the spec', frame(modelSpec(tag(1, 2), varint(5), Buffer.from('m')))],
    ['message-malformed', 'a frame cut short', frame(bytes(spec, tensor)).subarray(0, -1)],
    ['message-malformed', 'a head cut short', frame(spec).subarray(0, 4)],
    ['message-malformed', 'bytes after the message', bytes(frame(spec), Buffer.from([0]))],
    ['message-malformed', 'a second message', bytes(frame(spec), frame(spec))],
    ['message-malformed', 'a frame shorter than its message', frame(bytes(spec, tensor), 0, spec.length + 4)],
    ['message-malformed', 'a flag that means nothing', frame(spec, 2)],
    ['message-compressed', 'a compressed message', frame(spec, 1)],
    ['message-malformed', 'a ModelSpec that is too large', frame(modelSpec(modelName('m'.repeat(modelSpecBytesMax))))],
    ['message-malformed', 'the name after a large tensor', frame(bytes(bytesField(2, Buffer.alloc(far)), spec))],
    ['message-malformed', 'a spec that ends too far in', frame(bytes(bytesField(2, Buffer.alloc(far - 12)), spec))],
    [
      'message-malformed',
      'the name after many small fields',
      frame(bytes(Buffer.alloc(3 * far, varintField(19, 1)), spec)),
    ],
  ];
  for (const [reason, what, body] of cases) {
    it(what, () => {
      const whole = walk([body]);
      assert.equal('reason' in whole && whole.reason, reason, JSON.stringify(whole));
      assert.deepEqual(walk([...body].map((byte) => Uint8Array.of(byte))), whole, 'byte by byte');
    });
  }
});

describe('the bounds of the walk', () => {
  it('lets a spec end at the last of the first bytes', () => {
    const before = bytesField(2, Buffer.alloc(modelSpecWithinBytesMax - 5 - spec.length - 3));
    assert.equal(5 + before.length + spec.length, modelSpecWithinBytesMax);
    assert.deepEqual(walk([frame(bytes(before, spec))]), { model: 'm' });
  });

  it('refuses a frame that is larger than a body may be by its head alone', () => {
    const walked = new MessageWalk('spec', 1000);
    assert.equal(walked.push(frame(spec, 0, 996)), false);
    assert.equal(walked.fault?.reason, 'body-too-large');
    assert.equal('reason' in walk([frame(bytes(spec, bytesField(2, Buffer.alloc(985))))], 'spec', 1000), false);
  });

  it('knows early that no spec can come in time', () => {
    const walked = new MessageWalk('spec', bytesMax);
    const head = frame(bytes(tag(2, 2), varint(20_000)), 0, 30_000);
    assert.equal(walked.push(head), false);
  });

  it('says when the names are final', () => {
    const body = frame(bytes(spec, tensor));
    const walked = new MessageWalk('spec', bytesMax);
    assert.ok(walked.push(body.subarray(0, 5 + spec.length - 1)) && !walked.isNamed);
    assert.ok(walked.push(body.subarray(5 + spec.length - 1, 5 + spec.length)) && walked.isNamed);
    assert.equal(walked.bodyBytes, body.length);
  });
});

describe('inference tasks', () => {
  const task = (...fields: readonly Uint8Array[]): Buffer =>
    bytesField(1, modelSpec(...fields), bytesField(2, 'classify'));
  const input = bytesField(2, 'input');

  it('that name the same model are one', () => {
    const message = bytes(task(modelName('m'), modelVersion(2)), task(modelVersion(2), modelName('m')), input);
    assert.deepEqual(walk([frame(message)], 'tasks'), { model: 'm', version: '2' });
    assert.deepEqual(parsedModels(message, 'MultiInference'), Array(2).fill({ model: 'm', version: '2' }));
  });

  const refused: readonly (readonly [string, Buffer])[] = [
    ['for two models', bytes(task(modelName('m')), task(modelName('n')))],
    ['for two versions', bytes(task(modelName('m'), modelVersion(1)), task(modelName('m'), modelVersion(2)))],
    ['for a version and none', bytes(task(modelName('m'), modelVersion(1)), task(modelName('m')))],
    ['with two specs in one', bytesField(1, spec, spec)],
    ['without a spec', bytesField(1, bytesField(2, 'classify'))],
    ['of which there are none', input],
  ];
  for (const [what, message] of refused)
    it(`${what} are refused`, () => assert.ok('reason' in walk([frame(message)], 'tasks')));
});

test('of a message that names nothing the frame alone is read', () => {
  assert.deepEqual(walk([frame(Buffer.from([0xff, 0xff]))], 'none'), {});
  assert.deepEqual(walk([frame(Buffer.alloc(0))], 'none'), {});
  assert.ok('reason' in walk([frame(Buffer.alloc(3)), Buffer.alloc(1)], 'none'));
  assert.ok('reason' in walk([frame(Buffer.alloc(3), 0, 4)], 'none'));
});

/** Pieces of messages, honest and not, in any order. */
const piece = fc.oneof(
  fc.constantFrom(spec, tensor, modelSpec(modelName('n')), modelSpec(modelName('m'), modelVersion(7))),
  fc.constantFrom(tag(9, 3), tag(1, 2), overlong(0x0a), varintField(1, 5), bytesField(5, spec), Buffer.from([0x80])),
  fc.tuple(fc.integer({ min: 1, max: 20 }), fc.uint8Array({ maxLength: 40 })).map(([n, b]) => bytesField(n, b)),
  fc.tuple(fc.integer({ min: 12, max: 30 }), fc.bigInt(0n, 2n ** 64n - 1n)).map(([n, v]) => varintField(n, v)),
  fc
    .array(fc.constantFrom(modelName('m'), modelName('n'), modelVersion(3), modelLabel('x'), bytesField(3, 's')), {
      maxLength: 3,
    })
    .map((fields) => modelSpec(...fields)),
  fc.uint8Array({ minLength: 1, maxLength: 6 }).map((some) => Buffer.from(some)),
);
const message = fc.array(piece, { maxLength: 5 }).map((pieces) => Buffer.concat(pieces));

function split(body: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => body.subarray(start, at[index] ?? body.length));
}

test('any split gives the same result', () => {
  const property = fc.property(message, fc.array(fc.nat(), { maxLength: 8 }), (made, cuts) => {
    const body = frame(made);
    assert.deepEqual(walk(split(body, cuts)), walk([body]));
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 3000 });
});

test('a real parser sees what was let through, and the version that is appended', () => {
  let accepted = 0;
  const property = fc.property(message, (made) => {
    const walked = new MessageWalk('spec', bytesMax);
    if (!walked.push(frame(made)) || !walked.end()) return;
    const { model } = walked.named;
    accepted += 1;
    assert.deepEqual(parsedModels(made, 'Predict'), [walked.named]);
    const appended = chosenVersionBytes(walked.spec, '42');
    assert.deepEqual(parsedModels(bytes(made, appended), 'Predict'), [{ model, version: '42' }]);
    // As a parser reads it that merges: the fields of both, one after the other.
    const merged = modelSpec(walked.spec, appended.subarray(2 + (appended.length > 129 ? 1 : 0)));
    assert.deepEqual(parsedModels(merged, 'Predict')[0]?.version, '42');
    assert.deepEqual(parsedModels(merged, 'Predict')[0]?.model, model);
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 10_000 });
  assert.ok(accepted > 500, `${accepted} were accepted`);
});

test('what a real library writes is let through', () => {
  const name = fc.stringMatching(/^[\x21-\x7e]{1,60}$/);
  const property = fc.property(name, fc.option(fc.bigInt(0n, 2n ** 63n - 1n)), (model, version) => {
    const value = { model_spec: { name: model, ...(version !== null && { version: { value: String(version) } }) } };
    const made = encoded({ ...value, output_filter: [Buffer.from('a'), Buffer.from('b')] });
    assert.deepEqual(walk([frame(made)]), { model, ...(version !== null && { version: String(version) }) });
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 500 });
});

const optional = (field: Buffer): fc.Arbitrary<Buffer> => fc.constantFrom(field, Buffer.alloc(0));
/** Tasks for one model, other fields between and behind them, and what the first 16 kB don't hold. */
const tasksMessage = fc
  .record({
    which: fc.constantFrom(Buffer.alloc(0), modelVersion(7), modelLabel('tried')),
    methods: fc.array(fc.stringMatching(/^[a-z/]{0,40}$/), { minLength: 1, maxLength: 4 }),
    between: optional(bytesField(2, 'input')),
    name: fc.stringMatching(/^[a-z]{1,100}$/),
    rest: fc.constantFrom(0, 1, 20_000, 70_000),
  })
  .map(({ which, methods, between, name, rest }) => {
    const tasks = methods.map((method) => bytesField(1, modelSpec(modelName(name), which), bytesField(2, method)));
    return bytes(...tasks.flatMap((task) => [task, between]), bytesField(2, Buffer.alloc(rest, 1)));
  });

test('every task gets the version that was chosen, and nothing else changes', () => {
  const property = fc.property(tasksMessage, fc.nat(4), fc.array(fc.nat(), { maxLength: 4 }), (made, cut, cuts) => {
    const body = frame(made);
    const held = body.subarray(0, Math.max(16_384, body.length - cut * 15_000));
    const before = new MessageWalk('tasks', 1e6);
    assert.ok(split(held, cuts).every((chunk) => before.push(chunk)) && before.isNamed);
    const changed = Buffer.concat([tasksWithVersion(held, before.tasks, '300'), body.subarray(held.length)]);
    const walked = new MessageWalk('tasks', 1e6);
    assert.ok(walked.push(changed) && walked.end(), walked.fault?.detail);
    assert.equal(walked.named.version, '300');
    const named = parsedModels(made, 'MultiInference');
    const after = parsedModels(changed.subarray(5), 'MultiInference');
    assert.deepEqual(
      after,
      named.map(({ model }) => ({ model, version: '300' })),
    );
    const tail = made.length > 10_000 ? 10_000 : 0;
    assert.ok(changed.subarray(changed.length - tail).equals(body.subarray(body.length - tail)));
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 500 });
});
