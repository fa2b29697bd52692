import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentJsonSchema, parseEnvironment, parsePolicy, policyJsonSchema, testsJsonSchema } from './index.ts';

const root = join(import.meta.dirname, '../..');
const goldens = join(root, 'test/goldens/policy');

function validator(schema: Record<string, unknown>): z.ZodType {
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
}

const schemas = { policy: validator(policyJsonSchema()), environment: validator(environmentJsonSchema()) };
const tests = validator(testsJsonSchema());

describe('the JSON Schemas', () => {
  it('accept what we read', () => {
    const good = ['good-every-form/headgate.yaml', 'good-environment/environment.yaml'].map((name) =>
      join(goldens, name),
    );
    const examples = ['headgate.yaml', 'environments/dev.yaml'].map((name) => join(root, 'examples/first-light', name));
    for (const file of [...good, ...examples]) {
      const schema = file.endsWith('headgate.yaml') ? schemas.policy : schemas.environment;
      assert.deepEqual(schema.safeParse(parse(readFileSync(file, 'utf8'))).error, undefined, file);
    }
  });

  it('accept the tests that examples, demo and goldens hold, and refuse those that we refuse for their form', () => {
    const good = ['examples/first-light', 'demo', 'test/goldens/tests/failing', 'test/goldens/tests/many-environments'];
    for (const folder of [...good, 'test/goldens/tests/form']) {
      const text = readFileSync(join(root, folder, 'headgate.test.yaml'), 'utf8');
      assert.equal(tests.safeParse(parse(text)).success, good.includes(folder), folder);
    }
  });

  it('refuse nothing that we read', () => {
    for (const name of readdirSync(goldens)) {
      for (const file of readdirSync(join(goldens, name)).filter((each) => each.endsWith('.yaml'))) {
        const text = readFileSync(join(goldens, name, file), 'utf8');
        const isPolicy = file === 'headgate.yaml';
        const read = isPolicy ? parsePolicy(text, file) : parseEnvironment(text, file);
        if (read.value === undefined) continue;
        const schema = isPolicy ? schemas.policy : schemas.environment;
        assert.equal(schema.safeParse(parse(text)).success, true, name);
      }
    }
  });

  it('mark what later versions bring, with a sentence that says so', () => {
    const text = JSON.stringify([policyJsonSchema(), environmentJsonSchema()]);
    const later =
      text.match(/"not":\{\},"description":"[^"]*later version; this version doesn't read (them|it)\."/g) ?? [];
    assert.ok(later.length > 30, `${later.length} marked`);
  });

  it('are named by the examples', () => {
    for (const [file, schema] of [
      ['headgate.yaml', '../../schemas/policy.json'],
      ['environments/dev.yaml', '../../../schemas/environment.json'],
    ] as const) {
      for (const example of ['design', 'first-light']) {
        const [line] = readFileSync(join(root, 'examples', example, file), 'utf8').split('\n');
        assert.equal(line, `# yaml-language-server: $schema=${schema}`, `${example}/${file}`);
      }
    }
  });
});
