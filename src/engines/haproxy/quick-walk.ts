import { variables } from './names.ts';
import { all, any, type Condition, call, chain, type Directive, directive, type Sample, test } from './print.ts';
import { isFound, request, variable } from './words.ts';

/** Larger bodies are walked in Lua: what is done here costs something for each byte. */
export const quickBodyBytesMax = 2048;

const own = {
  /** The body: each look at the request's own would put it together anew. */
  body: 'req.w.x',
  /** The ModelSpec as it came; its length; its name, and its length; that of its signature's name. */
  spec: 'req.w.s',
  specBytes: 'req.w.sl',
  name: 'req.w.n',
  nameBytes: 'req.w.nl',
  signatureBytes: 'req.w.gl',
  /** The message's field 3; lengths of its fields 2 and 3. */
  output: 'req.w.o',
  inputBytes: 'req.w.il',
  outputBytes: 'req.w.ol',
  /** What is left of the frame's length without spec and input; of the spec's without its name. */
  left: 'req.w.l',
  specLeft: 'req.w.k',
  /** Set where lengths add up. */
  isWhole: 'req.w.a',
  isSpecWhole: 'req.w.b',
} as const;

const body = variable(own.body);
const message = chain(body, call('bytes', 5));
/** Of texts: it ends at the first NUL, so that it is never more than there is, which fails the sums. */
const length = call('length');
/** The length of any bytes, by what of all that HAProxy has costs least. */
const size = [call('ub64enc'), length, call('mul', 3), call('div', 4)] as const;
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
 * That a field is one with a length is seen by its tag (spec, name, signature), by being longer than any number (input), or by
 * its text (output).
 */
export function quickWalkRules(isWalked: Condition): Directive[] {
  const set = (name: string, sample: Sample, when?: Condition): Directive =>
    directive(request(`set-var(${name})`, sample), when);
  const isSmall = test(call('req.body_len'), 'int', 'le', quickBodyBytesMax);
  // The spec comes first and begins with its name, both with a length of one byte.
  const begins = test(chain(body, call('bytes', 5, 4), call('hex')), 'reg', '^0A[0-7].0A[0-7]');
  // Text that is neither a varint (one byte, or with others than visible ones) nor a number of four or eight bytes.
  const isText = test(variable(own.output), 'reg', String.raw`^(?:[!-~]{2,3}|[!-~]{5,7}|[!-~]{9,})\z`);
  const isNamed = test(variable(own.name), 'reg', String.raw`^[!-~]+\z`);
  // Behind the name, which is visible, comes the tag of a signature's name.
  const isSigned = test(variable(own.spec), 'reg', String.raw`^\n[^\0][!-~]+\x1a`);
  const number = (at: number, bytes: number): Sample =>
    chain(body, call('bytes', at, bytes), call('be2dec', '', bytes));
  return [
    set(own.body, call('req.body'), all(isWalked, isSmall)),
    set(own.spec, chain(message, call('protobuf', 1)), begins),
    set(own.specBytes, number(6, 1), isFound(own.spec)),
    set(own.name, chain(variable(own.spec), call('protobuf', 1))),
    set(own.nameBytes, chain(variable(own.name), length)),
    set(own.signatureBytes, chain(variable(own.spec), call('protobuf', 3), length)),
    set(own.specLeft, less(variable(own.specBytes), own.nameBytes)),
    set(
      own.isSpecWhole,
      call('bool', 1),
      any(
        equals(variable(own.specLeft), 2),
        all(equals(less(variable(own.specLeft), own.signatureBytes), 4), isSigned),
      ),
    ),
    set(own.inputBytes, chain(message, call('protobuf', 2), ...size), isFound(own.isSpecWhole)),
    set(own.output, chain(message, call('protobuf', 3)), isFound(own.inputBytes)),
    set(own.outputBytes, chain(variable(own.output), length)),
    // A compressed message's flag makes a number of it that is far too large.
    set(own.left, less(number(0, 5), own.specBytes, own.inputBytes), isFound(own.inputBytes)),
    set(
      own.isWhole,
      call('bool', 1),
      any(equals(variable(own.left), 5), all(equals(less(variable(own.left), own.outputBytes), 7), isText)),
    ),
    set(
      variables.message,
      chain(call('str', 's '), call('concat', '', own.name, ' -')),
      all(
        isFound(own.isWhole),
        test(variable(own.inputBytes), 'int', 'ge', 128),
        equals(less(call('req.body_len'), own.specBytes, own.inputBytes, own.left), 5),
        isNamed,
      ),
    ),
  ];
}
