import { isScalar } from 'yaml';
import { z } from 'zod';
import { parseShare, sharePattern } from '../../std/share.ts';
import { shown } from '../shown.ts';
import { spanOf } from '../tree.ts';
import { name, oneOrMany, text } from './leaves.ts';
import { type CheckedItems, type Fault, note, notes } from './notes.ts';

/** Most versions of one model. */
const versionsMax = 20;

const listHint = 'name them: `versions: [stable, canary]`; the environment says which numbers they are';

/** Numbers differ from environment to environment. */
function numberFault(written: string): Fault {
  const message = `\`${shown(written)}\` is the number of a version, and a policy holds none`;
  return { code: 'HG1224', message, hint: listHint };
}

/** `versions: [stable, canary]` of a model, or of all models of a family. */
export const versionNames = z
  .array(name('a version', { reserved: ['any', 'anyone'], number: numberFault }))
  .min(1)
  .max(versionsMax)
  .describe('Names of its versions. The environment says which numbers they are, and who gets which.')
  .register(notes, note({ what: 'a list of versions', hint: listHint, checkItems: checkNames }));

/** Each is named once, and there are not too many. */
function checkNames({ items, source, report }: CheckedItems): void {
  const seen = new Set<unknown>();
  for (const item of items) {
    const value = isScalar(item) && typeof item.value === 'string' ? item.value : undefined;
    if (value === undefined || !seen.has(value)) seen.add(value);
    else report.add('HG1107', 'this version is named a second time', { span: spanOf(item, source), hint: 'remove it' });
  }
  const beyond = items[versionsMax];
  if (beyond !== undefined)
    report.add('HG1225', `a model has at most ${versionsMax} versions`, { span: spanOf(beyond, source) });
}

/** `versions: any`, or `versions: [canary]`, of a rule. */
export const ruleVersions = oneOrMany(name('a version', { number: numberFault }))
  .meta({
    description:
      'Versions that the rule is about, by name; `any` takes in numbers that have no name. Left out: all named ones.',
  })
  .register(
    notes,
    note({ what: 'a version or a list of them', hint: 'write `versions: [canary]`, or `versions: any`' }),
  );

const bindingHint = 'write `stable: 3`, or `canary: { version: 4, share: 5% }`';

const number = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('Number of the version, as the service knows it.')
  .register(notes, note({ what: 'the number of a version', hint: bindingHint }));

function shareFault(written: string): Fault | undefined {
  if (parseShare(written) !== undefined) return undefined;
  const hint = 'percent, from `0%` to `100%`, with four decimals at most: `5%`, `0.25%`';
  return { code: 'HG1310', message: `\`${shown(written)}\` is not a share`, hint };
}

/** Percent, from 0 to 100. */
export function share(description: string): z.ZodString {
  const hint = 'in percent, with the sign: `5%`';
  return text('a share such as `5%`', shareFault, { pattern: sharePattern, hint, description });
}

const shared = z
  .strictObject({
    version: number,
    share: share(
      'Part of the callers that gets this version where the call names none. The one without a share gets the rest.',
    ).optional(),
  })
  .register(notes, note({ what: 'a version', hint: bindingHint }));

/** `models: { finance-prod: { stable: 3, canary: { version: 4, share: 5% } } }` of a service, in an environment. */
export const boundModels = z
  .record(
    name('a model', { addresses: true }),
    z
      .record(
        name('a version', { addresses: true }),
        z.union([number, shared]).register(notes, note({ what: 'a version', hint: bindingHint })),
      )
      .meta({ minProperties: 1, description: 'Each version that the policy names, with its number.' })
      .register(notes, note({ what: 'a map of versions', hint: bindingHint })),
  )
  .register(notes, note({ what: 'a map of models', hint: 'write `models: { finance-prod: { stable: 3 } }`' }));
