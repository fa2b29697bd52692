/** PredictRequests that can be read in two ways, built by hand: no library writes them. */
export interface DishonestMessage {
  readonly title: string;
  readonly message: Buffer;
  /** What TensorFlow Serving's own parser makes of it: `model/version`, or undefined where it refuses. */
  readonly runs: string | undefined;
  /** Whether it has one meaning after all, so that it may pass. */
  readonly mayPass?: boolean;
}

export const predictMethod = '/tensorflow.serving.PredictionService/Predict';
const [allowed, forbidden] = ['finance-prod', 'finance-credit'];
const [varint, group, endGroup, delimited] = [0, 3, 4, 2];

function number(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function tag(field: number, type: number): Buffer {
  return number(field * 8 + type);
}

function bytesOf(field: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([tag(field, delimited), number(content.length), content]);
}

function numberOf(field: number, value: number): Buffer {
  return Buffer.concat([tag(field, varint), number(value)]);
}

/** `model_spec` of a PredictRequest. */
function spec(...fields: readonly Buffer[]): Buffer {
  return bytesOf(1, ...fields);
}

function name(text: string): Buffer {
  return bytesOf(1, text);
}

function version(value: number): Buffer {
  return bytesOf(2, numberOf(1, value));
}

/** `inputs` with a tensor `x` of one row: zeros of so many bytes. */
function input(size = 8): Buffer {
  const shape = bytesOf(2, bytesOf(2, numberOf(1, 1)), bytesOf(2, numberOf(1, size / 4)));
  return bytesOf(2, bytesOf(1, 'x'), bytesOf(2, numberOf(1, 1), shape, bytesOf(4, Buffer.alloc(size))));
}

const honest = Buffer.concat([spec(name(allowed)), input()]);
/** A length of 64 bytes, none of which are there: what a gateway appended would be read as them. */
const swallowing = Buffer.concat([tag(100, delimited), number(64)]);

export const dishonestMessages: readonly DishonestMessage[] = [
  {
    title: 'model_spec twice',
    message: Buffer.concat([honest, spec(name(forbidden))]),
    runs: 'finance-credit/2',
  },
  {
    title: 'model_spec twice, the second one after 1 MB',
    message: Buffer.concat([spec(name(allowed)), input(1_000_000), spec(name(forbidden))]),
    runs: 'finance-credit/2',
  },
  {
    title: 'model_spec twice, the second one with an overlong tag',
    message: Buffer.concat([honest, Buffer.from([0x8a, 0x00]), spec(name(forbidden)).subarray(1)]),
    runs: 'finance-credit/2',
  },
  {
    title: 'name twice in one model_spec',
    message: Buffer.concat([spec(name(allowed), name(forbidden)), input()]),
    runs: 'finance-credit/2',
  },
  {
    title: 'a second model_spec with a version alone',
    message: Buffer.concat([honest, spec(version(1))]),
    runs: 'finance-prod/1',
  },
  {
    title: 'version and label both',
    message: Buffer.concat([spec(name(allowed), bytesOf(4, 'canary'), version(1)), input()]),
    runs: 'finance-prod/1',
  },
  {
    title: 'a trailing unknown field that would swallow what is appended',
    message: Buffer.concat([honest, swallowing]),
    runs: undefined,
  },
  {
    title: 'a message that ends within a tag',
    message: Buffer.concat([honest, Buffer.from([0x8a])]),
    runs: undefined,
  },
  {
    title: 'a field numbered 0',
    message: Buffer.concat([honest, Buffer.from([0x02, 0x00])]),
    runs: undefined,
  },
  {
    title: 'a group that holds a model_spec',
    message: Buffer.concat([honest, tag(99, group), spec(name(forbidden)), tag(99, endGroup)]),
    runs: 'finance-prod/2',
    mayPass: true,
  },
  {
    title: 'a whole trailing unknown field',
    message: Buffer.concat([honest, bytesOf(100, 'unknown')]),
    runs: 'finance-prod/2',
    mayPass: true,
  },
  {
    title: 'name after a tensor of 1 MB',
    message: Buffer.concat([input(1_000_000), spec(name(allowed))]),
    runs: 'finance-prod/2',
    mayPass: true,
  },
];
