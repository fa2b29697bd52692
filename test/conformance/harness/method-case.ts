import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { credentialForms } from './issuer.ts';
import { keySpec } from './keys.ts';

const expectation = z.strictObject({
  /** Of HTTP; that of every call of gRPC is 200. */
  status: z.number().default(200),
  grpcStatus: z.number().optional(),
  /** Reason of the refusal; left out: the service has got the call. */
  code: z.string().optional(),
  rule: z.string().optional(),
  /** Fields of the answer's head. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Fields that the service saw, or with `null` didn't; `*` for any value. */
  saw: z.record(z.string(), z.string().nullable()).optional(),
  /** Members of the audit core. */
  audit: z.record(z.string(), z.unknown()).optional(),
});

const call = z.strictObject({
  /** Name of a caller of the file; left out: nobody. */
  as: z.string().optional(),
  form: z.enum(credentialForms).default('valid'),
  /** `Orders/Get`, in the package of the file, or a whole path. */
  call: z.string(),
  /** Bytes of each message that is sent. */
  messages: z.array(z.number()).default([5]),
  /** `{key:label}` is the text of a key. */
  headers: z.record(z.string(), z.string()).default({}),
  /** Made so many times one after another; the last answer is looked at. */
  times: z.number().default(1),
  expect: expectation,
});

const caller = z.strictObject({
  subject: z.string().optional(),
  groups: z.array(z.string()).optional(),
  client: z.string().optional(),
});

const file = z.strictObject({
  about: z.string(),
  policy: z.string(),
  /** The service of the policy, and the package of its methods. */
  service: z.string(),
  package: z.string(),
  callers: z.record(z.string(), caller).default({}),
  keys: z.record(z.string(), keySpec).default({}),
  cases: z.array(z.strictObject({ name: z.string(), calls: z.array(call) })),
});

export type MethodCaseFile = z.infer<typeof file> & { readonly name: string };
export type MethodCaseCall = z.infer<typeof call>;

/** Every file of cases about methods in a folder. */
export function readMethodCases(folder: string): MethodCaseFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => {
    const read = file.safeParse(parse(readFileSync(join(folder, name), 'utf8'), { merge: true }));
    if (!read.success) throw new Error(`${name}: ${z.prettifyError(read.error)}`);
    return { ...read.data, name: basename(name, '.yaml') };
  });
}
