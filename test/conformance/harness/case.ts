import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Feature } from '../../../src/engines/engine.ts';
import { credentialForms } from './issuer.ts';
import { keySpec } from './keys.ts';

const features = ['problem-for-no-http', 'refuses-mendable-http'] as const satisfies readonly Feature[];

const caller = z.strictObject({
  subject: z.string().optional(),
  groups: z.array(z.string()).optional(),
  client: z.string().optional(),
});

const upstream = z.strictObject({
  target: z.string().optional(),
  body: z.string().optional(),
  /** Fields that the upstream must have seen exactly once, with this value; `*` for any. */
  has: z.record(z.string(), z.string()).optional(),
  /** Fields that it must not have seen. */
  lacks: z.array(z.string()).optional(),
  /** It must not have been asked at all. */
  none: z.literal(true).optional(),
});

const expectation = z.strictObject({
  status: z.number(),
  /** Left out where the answer is a page of the proxy's own, without problem document and id. */
  /** Reason code of the problem document. */
  code: z.string().optional(),
  rule: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  upstream: upstream.optional(),
  /** Members of the audit core that must have these values. */
  audit: z.record(z.string(), z.unknown()).optional(),
});

const call = z.strictObject({
  /** Name of a caller of the file; left out: nobody. */
  as: z.string().optional(),
  form: z.enum(credentialForms).default('valid'),
  /** `POST /v1/models/finance-prod:predict` */
  call: z.string().optional(),
  /** Instead of `call`: the exact bytes on the connection, with `\r\n` written out; `{credential}` becomes header lines. */
  raw: z.string().optional(),
  headers: z.array(z.string()).default([]),
  /** The listener it comes in by. */
  via: z.enum(['public', 'internal']).default('public'),
  /** Address of this machine that it comes from. */
  from: z.string().optional(),
  body: z.string().optional(),
  /** Sent this many times one after another; the last answer is looked at. */
  times: z.number().default(1),
  expect: expectation,
  /**
   * What is expected of an engine whose `capabilities` say `refused` for this feature. An exemption that is no longer one
   * fails: the engine then answers as the others do, and not as this says.
   */
  without: z.strictObject({ feature: z.enum(features), expect: expectation }).optional(),
});

const file = z.strictObject({
  about: z.string(),
  environment: z.string().default('prod'),
  policy: z.string(),
  /** Versions of models in the environment, as one line of YAML. */
  models: z.string().optional(),
  callers: z.record(z.string(), caller).default({}),
  /** API keys that are there when the gateway starts; `{key:label}` in a call, header, body or `raw` is the key's text. */
  keys: z.record(z.string(), keySpec).default({}),
  cases: z.array(z.strictObject({ name: z.string(), calls: z.array(call) })),
});

export type CaseFile = z.infer<typeof file> & { readonly name: string };
export type CaseCall = z.infer<typeof call>;
export type Expectation = z.infer<typeof expectation>;

/** Every file of cases in a folder. A file that isn't one fails with its name and what is wrong. */
export function readCases(folder: string): CaseFile[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  return names.map((name) => {
    const read = file.safeParse(parse(readFileSync(join(folder, name), 'utf8'), { merge: true }));
    if (!read.success) throw new Error(`${name}: ${z.prettifyError(read.error)}`);
    return { ...read.data, name: basename(name, '.yaml') };
  });
}
