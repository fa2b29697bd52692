import { compileCodes } from './codes/compile.ts';
import { descriptorCodes } from './codes/descriptors.ts';
import { engineCodes } from './codes/engines.ts';
import { environmentCodes } from './codes/environment.ts';
import { formCodes } from './codes/form.ts';
import { policyCodes } from './codes/policy.ts';
import { testCodes } from './codes/tests.ts';
import { textCodes } from './codes/text.ts';
import { trafficCodes } from './codes/traffic.ts';
import { versionCodes } from './codes/versions.ts';

/** One row of the registry. */
export interface CodeRow {
  readonly title: string;
  readonly meaning: string;
}

/**
 * Every diagnostic code. Codes are never reused and never change their meaning; a retired one keeps its row.
 * HG10xx the text, HG11xx the form, HG12xx policies, HG13xx environments,
 * HG14xx tests of a policy, HG2xxx compiling, HG3xxx engines, HG4xxx running.
 */
export const codes = {
  ...textCodes,
  ...formCodes,
  ...policyCodes,
  ...environmentCodes,
  ...testCodes,
  ...compileCodes,
  ...versionCodes,
  ...descriptorCodes,
  ...trafficCodes,
  ...engineCodes,
} as const satisfies Record<string, CodeRow>;

export type Code = keyof typeof codes;
