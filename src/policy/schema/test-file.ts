import { z } from 'zod';
import { queuePlacesMax } from '../../std/limits.ts';
import { anything, name, nameCharactersMax, oneOrMany, text } from './leaves.ts';
import { count } from './measures.ts';
import { exactlyOneOf, note, notes } from './notes.ts';
import { exactFault, keyNameFault } from './policy-faults.ts';
import {
  addressFault,
  checkExpectation,
  checkTest,
  checkTestNames,
  expectFault,
  headerFault,
  momentFault,
  onePlaceFault,
  testNameFault,
  whoFault,
} from './test-file-checks.ts';
import { version } from './version.ts';

/** Reasons of a denial that a test may expect: those that the policy alone decides. */
const reasons = ['rule-denies', 'no-rule-allows', 'version-unknown'] as const;

const caller = z
  .strictObject({
    subject: text('a subject', anything).optional().describe('The `sub` of the token: a person.'),
    client: text('a client', anything).optional().describe('A machine: a token without a person in it.'),
    name: text('the name of an API key', keyNameFault).optional().describe('An API key.'),
    groups: oneOrMany(text('a group of the token', exactFault)).optional().describe('Groups that the token carries.'),
  })
  .meta(exactlyOneOf('subject', 'client', 'name'))
  .register(
    notes,
    note({
      what: 'a map with `subject`, `client` or `name`',
      within: 'a caller',
      hint: 'write `{ subject: alice, groups: [ml-team] }` or `{ client: batch-scorer }`',
    }),
  );

const whoHint = 'write `anonymous`, or the identity and the caller: `{ staff: { subject: alice } }`';

const who = z
  .union([
    z.enum(['anonymous']).register(notes, note({ what: 'who calls', fault: (word) => whoFault(word, whoHint) })),
    z
      .record(name('an identity'), caller)
      .meta({ minProperties: 1, maxProperties: 1 })
      .register(notes, note({ what: 'a caller', hint: whoHint })),
  ])
  .register(notes, note({ what: 'who calls: `anonymous` or a map', hint: whoHint }));

/** Of a version. What is asked for by number is known only where the environment has a file. */
const number = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .register(notes, note({ what: 'the number of a version', hint: 'a whole number, such as `version: 3`' }));

const expectHint = 'write `{ allowedBy: name of a rule }`, `{ deniedBy: name of a rule }` or `denied`';

const expectation = z
  .union([
    z
      .enum(['denied'])
      .register(notes, note({ what: 'what is expected', fault: (word) => expectFault(word, expectHint) })),
    z
      .strictObject({
        allowedBy: text('the name of a rule', anything).optional().describe('The allowing rule.'),
        deniedBy: text('the name of a rule', anything).optional().describe('The denying rule.'),
        denied: z
          .enum(reasons)
          .register(notes, note({ what: 'a reason' }))
          .optional()
          .describe('Why it is refused.'),
        version: z
          .union([number, name('a version')])
          .register(notes, note({ what: 'the name or number of a version', hint: 'write `version: canary`' }))
          .optional()
          .describe('The version that would run: its name, or its number.'),
      })
      .meta(exactlyOneOf('allowedBy', 'deniedBy', 'denied'))
      .register(
        notes,
        note({ what: 'what is expected', within: '`expect`', hint: expectHint, checkMap: checkExpectation }),
      ),
  ])
  .register(notes, note({ what: 'what is expected: `denied` or a map', hint: expectHint }));

const headers = z
  .record(text('the name of a header', headerFault), text('the value of a header', anything))
  .meta({ minProperties: 1, description: 'Header fields of the request, for conditions that read them.' })
  .register(notes, note({ what: 'a map of headers', hint: 'write `{ x-region: eu }`' }));

const places = (key: string, what: string) => count(key, { min: 0, max: queuePlacesMax }, what);

const queue = z
  .strictObject({
    waiting: places('waiting', 'Calls that wait.'),
    inFlight: places('inFlight', 'Calls in flight.'),
  })
  .register(
    notes,
    note({
      what: 'a map of `waiting` and `inFlight`',
      within: '`queue`',
      hint: 'write `queue: { waiting: 3, inFlight: 8 }`',
    }),
  );

const test = z
  .strictObject({
    name: text('the name of a test', testNameFault).max(nameCharactersMax).describe('A sentence, unique.'),
    who: who.describe('Who calls, as a verified credential would prove it.'),
    for: z
      .record(name('an identity'), caller)
      .meta({
        minProperties: 1,
        maxProperties: 1,
        description:
          'Who the call is made for, as another gateway’s assertion would prove it. Left out: the caller itself.',
      })
      .register(notes, note({ what: 'who the call is made for', hint: 'write `for: { staff: { subject: ann } }`' }))
      .optional(),
    to: oneOrMany(name('an action')).describe('Actions; each of a list is a case.'),
    at: oneOrMany(text('a resource such as `scoring/finance-prod`', onePlaceFault)).describe(
      'What it is done to; each of a list is a case.',
    ),
    in: oneOrMany(name('an environment')).describe('Environments; each of a list is a case.'),
    version: number.optional().describe('Number of the version that the call asks for.'),
    label: text('a label', anything).optional().describe('Label of the version that the call asks for.'),
    via: name('a listener').optional().describe('The listener it comes in by. Default: the first.'),
    headers: headers.optional(),
    address: text('an IP address', addressFault).optional().describe("The caller's IP address. Default: 127.0.0.1."),
    time: text('a moment such as `2026-11-21T22:30:00Z`', momentFault)
      .optional()
      .describe('The moment of the call; needed where the answer hangs on it.'),
    queue: queue
      .optional()
      .describe('What the queue of the model or its service holds; needed where the answer hangs on it.'),
    expect: expectation,
  })
  .register(
    notes,
    note({
      what: 'a test',
      hint: 'a test is `- name: …` with `who`, `to`, `at`, `in` and `expect`',
      checkMap: checkTest,
    }),
  );

/** Tests of a policy: `headgate.test.yaml`. */
export const testFileSchema = z
  .strictObject({
    version,
    tests: z
      .array(test)
      .min(1)
      .register(
        notes,
        note({ what: 'a list of tests', hint: 'start each test with `- name: …`', checkItems: checkTestNames }),
      ),
  })
  .register(notes, note({ what: 'a file of tests' }));

export type TestFile = z.infer<typeof testFileSchema>;
