import { z } from 'zod';
import { shown } from '../shown.ts';
import { text } from './leaves.ts';
import { type Fault, later, note, notes } from './notes.ts';

/** RFC 9110, section 5.6.2: token, in lower case as HTTP/2 has it. */
const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** Fields of a connection or of the framing (RFC 9110, section 7.6.1), and those that HTTP/2 splits or says otherwise. */
const connectionFields: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['content-length', 'http2-settings', 'host', 'cookie'],
]);

/** What the gateway takes out of each call, `gate/headers.ts` in full. */
const removedField = /^(x[-_]headgate[-_].*|authorization|proxy-authorization|forwarded|x[-_]forwarded[-_].*)$/;

function sequenceFieldFault(written: string): Fault | undefined {
  const fault = (message: string, hint: string): Fault => ({ code: 'HG1231', message, hint });
  const own = 'choose a field of your own, such as `x-sequence-id`';
  const lower = written.toLowerCase();
  if (!fieldName.test(lower))
    return fault(
      `\`${shown(written)}\` is not the name of a field`,
      'letters, digits and `-`, such as `x-sequence-id`',
    );
  if (removedField.test(lower)) return fault(`\`${written}\` is removed from what comes in`, own);
  if (connectionFields.has(lower))
    return fault(`\`${written}\` belongs to the connection or differs between HTTP/1.1 and HTTP/2`, own);
  if (written === lower) return undefined;
  return fault('names of fields are written in lower case', `write \`${lower}\``);
}

const sequence = z
  .strictObject({
    header: text('the name of a field such as `x-sequence-id`', sequenceFieldFault, {
      pattern: fieldName,
      hint: 'such as `x-sequence-id`',
      description: 'Field whose value names the sequence; of a gRPC call its metadata. In lower case.',
    }),
  })
  .meta({ description: 'Calls of one sequence go to one replica; they are never sent again and never coalesced.' })
  .register(
    notes,
    note({
      what: 'a map with `header`',
      within: '`sequence`',
      hint: 'write `sequence: { header: x-sequence-id }`',
    }),
  );

const repeatsHint = 'write `repeats: { coalesce: true, share: caller }`, or leave `repeats` away';

const repeats = z
  .strictObject({
    coalesce: z
      .literal(true)
      .describe('Identical predictions in flight become one call to the service.')
      .register(
        notes,
        note({
          what: 'a value of `coalesce`',
          hint: 'write `coalesce: true`, or leave `repeats` away',
        }),
      ),
    share: z
      .enum(['caller', 'rule'])
      .register(notes, note({ what: 'a way of sharing repeats' }))
      .optional()
      .describe('caller: those of one caller. rule: those of all whom the same rule lets in. Default caller.'),
    cache: later('caching of answers', { one: true }),
  })
  .register(notes, note({ what: 'a map of `coalesce` and `share`', within: '`repeats`', hint: repeatsHint }));

/** How calls of a model are carried: keys of a model, and of `with` of a family. */
export const carriedKeys = { repeats: repeats.optional(), sequence: sequence.optional() };
