import { variables } from './names.ts';
import { all, any, type Condition, call, chain, type Directive, directive, not, type Sample, test } from './print.ts';
import { isFound, request, variable } from './words.ts';

/** Larger bodies are walked in Lua: HAProxy copies a body for each look at it. */
export const quickBodyBytesMax = 4096;

const own = {
  /** The ModelSpec as it came; its length, all of them in digits of hexadecimal; its name, and its length; that of its signature's name. */
  spec: 'txn.w.s',
  specDigits: 'txn.w.sl',
  name: 'txn.w.n',
  nameDigits: 'txn.w.nl',
  signatureDigits: 'txn.w.gl',
  /** Lengths of the message's fields 2 and 3. */
  inputDigits: 'txn.w.il',
  outputDigits: 'txn.w.ol',
  /** What is left of the frame's length without spec and input; of the spec's without its name. */
  left: 'txn.w.l',
  specLeft: 'txn.w.k',
  /** Set where lengths add up. */
  isWhole: 'txn.w.a',
  isSpecWhole: 'txn.w.b',
} as const;

/** A byte of visible ASCII, in hexadecimal. */
const visible = '(?:2[1-9A-F]|[3-6][0-9A-F]|7[0-9A-E])';
const body = call('req.body');
const message = chain(body, call('bytes', 5));
/** Twice the length: what `length` is given ends at its first NUL, and hexadecimal has none. */
const digits = [call('hex'), call('length')] as const;
const less = (of: Sample, ...subtract: readonly string[]): Sample =>
  chain(of, ...subtract.map((name) => call('sub', name)));
const equals = (sample: Sample, number: number): Condition => test(sample, 'int', 'eq', number);

/**
 * What the message of a prediction names, found without Lua, which costs ten times as much: for messages of the form that nearly all have.
 * That is a spec of a name and perhaps a signature's, then one input of 128 bytes or more, and perhaps an output's name. Where it is
 * of another form nothing is set, and Lua walks it.
 *
 * INVARIANT: what this accepts is accepted by the walk, and names the same. HAProxy's `protobuf` finds the first field of a number, at
 * its own level. A field with a length takes at least a byte for its tag, the fewest bytes that its length can be written in, and that
 * many. So where these sums make up the whole, there is nothing else, nothing twice, and nothing written in more bytes than it needs.
 * That a field is one with a length is seen by its tag (spec, name, signature), by being longer than any number (input), or by being
 * none of the others (output).
 */
export function quickWalkRules(isWalked: Condition): Directive[] {
  const set = (name: string, sample: Sample, when?: Condition): Directive =>
    directive(request(`set-var(${name})`, sample), when);
  const isSmall = test(call('req.body_len'), 'int', 'le', quickBodyBytesMax);
  // The spec comes first and begins with its name, both with a length of one byte.
  const begins = test(chain(body, call('bytes', 5, 4), call('hex')), 'reg', '^0A[0-7].0A[0-7]');
  const isNumber = ['uint64', 'fixed32', 'fixed64'].map((type) =>
    test(chain(message, call('protobuf', 3, type)), 'found'),
  );
  const hexadecimal = (name: string): Sample => chain(variable(name), call('hex'));
  const isNamed = test(hexadecimal(own.name), 'reg', `^${visible}+$`);
  // Behind the name, which is visible, comes the tag of a signature's name.
  const isSigned = test(hexadecimal(own.spec), 'reg', `^0A..${visible}+1A`);
  const frameDigits = chain(body, call('bytes', 0, 5), call('be2dec', '', 5), call('mul', 2));
  return [
    set(own.spec, chain(message, call('protobuf', 1)), all(isWalked, isSmall, begins)),
    set(own.specDigits, chain(variable(own.spec), ...digits)),
    set(own.name, chain(variable(own.spec), call('protobuf', 1))),
    set(own.nameDigits, chain(variable(own.name), ...digits)),
    set(own.signatureDigits, chain(variable(own.spec), call('protobuf', 3), ...digits)),
    set(own.specLeft, less(variable(own.specDigits), own.nameDigits)),
    set(
      own.isSpecWhole,
      call('bool', 1),
      any(
        equals(variable(own.specLeft), 4),
        all(equals(less(variable(own.specLeft), own.signatureDigits), 8), isSigned),
      ),
    ),
    set(own.inputDigits, chain(message, call('protobuf', 2), ...digits), isFound(own.isSpecWhole)),
    set(own.outputDigits, chain(message, call('protobuf', 3), ...digits), isFound(own.inputDigits)),
    // A compressed message's flag makes a number of it that is far too large.
    set(own.left, less(frameDigits, own.specDigits, own.inputDigits), isFound(own.inputDigits)),
    set(
      own.isWhole,
      call('bool', 1),
      any(
        equals(variable(own.left), 10),
        all(equals(less(variable(own.left), own.outputDigits), 14), ...isNumber.map(not)),
      ),
    ),
    set(
      variables.message,
      chain(call('str', 's '), call('concat', '', own.name, ' -')),
      all(
        isFound(own.isWhole),
        test(variable(own.inputDigits), 'int', 'ge', 256),
        equals(less(chain(call('req.body_len'), call('mul', 2)), own.specDigits, own.inputDigits, own.left), 10),
        isNamed,
      ),
    ),
  ];
}
