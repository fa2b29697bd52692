import { z } from 'zod';
import { environmentSchema } from './schema/environment.ts';
import { policySchema } from './schema/policy.ts';
import { testFileSchema } from './schema/test-file.ts';

/** JSON Schema (draft 7, which editors' YAML servers read) of `headgate.yaml`. */
export function policyJsonSchema(): Record<string, unknown> {
  return jsonSchema(policySchema, 'Headgate policy');
}

/** JSON Schema of `environments/<name>.yaml`. */
export function environmentJsonSchema(): Record<string, unknown> {
  return jsonSchema(environmentSchema, 'Headgate environment');
}

/** JSON Schema of `headgate.test.yaml`. */
export function testsJsonSchema(): Record<string, unknown> {
  return jsonSchema(testFileSchema, 'Headgate policy tests');
}

function jsonSchema(schema: z.ZodType, title: string): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return { $schema, title, ...rest };
}
