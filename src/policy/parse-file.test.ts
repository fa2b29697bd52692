import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codes, renderTerminal } from '../diagnostics/index.ts';
import { policyBytesMax } from '../std/limits.ts';
import { parseEnvironment, parsePolicy } from './index.ts';

const root = join(import.meta.dirname, '../..');
const policy = readFileSync(join(root, 'examples/first-light/headgate.yaml'), 'utf8');
const environment = readFileSync(join(root, 'examples/first-light/environments/dev.yaml'), 'utf8');

function codesOf(text: string): string[] {
  return parsePolicy(text, 'headgate.yaml').diagnostics.map(({ code }) => code);
}

describe('reading is bounded', () => {
  it('in bytes', () => {
    assert.deepEqual(codesOf(`${policy}#${'é'.repeat(policyBytesMax / 2)}`), ['HG1001']);
  });

  it('in words and marks, of what kind soever', () => {
    for (const piece of ['1,', '&a 1,']) {
      assert.deepEqual(codesOf(`a: [${piece.repeat(1_000_000)}`).includes('HG1001'), true, JSON.stringify(piece));
    }
  });

  it('in documents and in broken tokens', () => {
    assert.deepEqual(codesOf('---\n'.repeat(500_000)), ['HG1013', 'HG1007']);
    assert.ok(codesOf(']'.repeat(1_000_000)).every((code) => code === 'HG1002'));
  });

  it('in nesting, however deep', () => {
    for (const open of ['[', '{', '{a: ', '[{a: ']) {
      assert.deepEqual(codesOf(`version: 1\nrules: ${open.repeat(200_000)}`), ['HG1010'], open);
    }
    assert.deepEqual(codesOf(`version: 1\nrules:\n  ${'- '.repeat(50_000)}x\n`), ['HG1010']);
  });

  it('but not at a depth that a policy has', () => {
    assert.equal(codesOf(policy.replace('scoring/**', `"${'['.repeat(1000)}"`)).includes('HG1010'), false);
  });

  it('in diagnostics', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `unknown${index}: 1`).join('\n');
    const { diagnostics } = parsePolicy(`${policy}${many}\n`, 'headgate.yaml');
    assert.equal(diagnostics.length, 201);
    assert.equal(diagnostics.at(-1)?.code, 'HG1000');
  });

  it('in time: keys of one map cost no square of their number', () => {
    const models = Array.from({ length: 50_000 }, (_, index) => `      model-${index}:`).join('\n');
    const text = `version: 1\nservices:\n  s:\n    protocol: tensorflow-serving\n    models:\n${models}\nrules: []\n`;
    const started = process.cpuUsage();
    assert.equal(parsePolicy(text, 'headgate.yaml').value?.services[0]?.models.length, 50_000);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 20_000_000, `${(user + system) / 1e6} s of CPU`);
  });
});

describe('a faulty policy', () => {
  it('is told its unknown names too, which compile never gets to see', () => {
    const faulty = policy
      .replace('{ staff: any }', '{ stuff: any }')
      .replace('allow: [finance-apps]', 'allow: [finance-aps]')
      .replace('at: scoring/finance-*', 'at: scorin/finance-*')
      .replace('{ caller: [finance-leads] }', '{ caller: [finance-lead] }')
      .replace('in: [dev, staging]', 'inn: [dev, staging]');
    assert.deepEqual(codesOf(faulty), ['HG2001', 'HG2002', 'HG2003', 'HG1101', 'HG2002']);
    assert.deepEqual(codesOf(faulty.replace('inn:', 'in:')), [], 'a policy of good form leaves them to compile');
  });
});

describe('reading never throws, and never lets a faulty file pass', () => {
  const pieces = [
    '',
    ' ',
    '\t',
    '\n',
    '- ',
    ': ',
    '*',
    '&a ',
    '!!x ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '#',
    '|',
    '>',
    '%',
    '\r',
    '\0',
    '? ',
    '<<: ',
    'null',
    '1.10',
    'yes',
    ',',
    '---\n',
    '\ufeff',
    '\u202e',
    '\ud800',
  ];

  it('whatever is changed in an example', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.nat(12), fc.constantFrom(...pieces), (which, at, drop, piece) => {
        const whole = which ? policy : environment;
        const start = at % whole.length;
        const text = `${whole.slice(0, start)}${piece}${whole.slice(start + drop)}`;
        const checked = which ? parsePolicy(text, 'f') : parseEnvironment(text, 'f');
        const errors = checked.diagnostics.filter(({ severity }) => severity === 'error');
        assert.equal(checked.value === undefined, errors.length > 0);
        for (const { code, span } of checked.diagnostics) {
          assert.ok(Object.hasOwn(codes, code));
          assert.notEqual(code, 'HG1100', `the walk lets pass what zod refuses: ${text}`);
          assert.ok(span !== undefined || code === 'HG1000');
        }
        renderTerminal(checked.diagnostics, { sources: new Map([['f', text]]), colour: true });
      }),
      { seed: 11, numRuns: 1500 },
    );
  });

  it('whatever the text is', () => {
    const soup = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.constantFrom('version: 1\n', 'rules', 'a', '  ')), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(soup, (list) => {
        assert.equal(parsePolicy(list.join(''), 'f').value, undefined);
      }),
      { seed: 12, numRuns: 1500 },
    );
  });

  it('whatever stands in place of a value', () => {
    const values = [
      '',
      '7',
      'true',
      'null',
      '[]',
      '{}',
      '[[]]',
      '{ a: b }',
      '"x y"',
      '~',
      '[null]',
      '{ 1: 2 }',
      '"a\\0b"',
      '1e999',
    ];
    const lines = policy.split('\n');
    for (const [index, line] of lines.entries()) {
      const colon = line.indexOf(': ');
      if (colon === -1) continue;
      for (const value of values) {
        const text = lines.with(index, `${line.slice(0, colon)}: ${value}`).join('\n');
        const told = parsePolicy(text, 'f').diagnostics.map(({ code }) => code);
        assert.equal(told.includes('HG1100'), false, `the walk lets pass what zod refuses: ${text}`);
      }
    }
  });
});

describe('every code of reading', () => {
  it('has a golden, but for bounds and what nothing else describes', () => {
    const shown = ['test/goldens/policy', 'test/goldens/tests'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => readFileSync(join(root, folder, name, 'expected.txt'), 'utf8')),
    );
    const seen = new Set(shown.join('\n').match(/HG1\d{3}/g));
    const unseen = Object.keys(codes).filter((code) => code.startsWith('HG1') && !seen.has(code));
    assert.deepEqual(unseen, ['HG1000', 'HG1001', 'HG1003', 'HG1010', 'HG1100']);
  });
});
