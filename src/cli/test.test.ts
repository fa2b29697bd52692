import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runCli } from './testing/run-cli.ts';

const root = join(import.meta.dirname, '../..');

describe('headgate test', () => {
  let folder: string;
  let policy: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hg-test-'));
    await cp(join(root, 'examples/first-light'), folder, { recursive: true });
    policy = join(folder, 'headgate.yaml');
  });

  after(() => rm(folder, { recursive: true, force: true }));

  /** As people start it: the root script, from another folder. */
  function start(...args: string[]): { readonly child: ChildProcess; readonly said: { out: string; err: string } } {
    const child = spawn(join(root, 'headgate'), args, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    return { child, said };
  }

  test('as a process: passes, says so, and writes its report', async () => {
    const junit = join(folder, 'report.xml');
    const { child, said } = start('test', '-p', policy, '--min-coverage', '100', '--junit', junit);
    const [code] = await once(child, 'exit');
    assert.deepEqual([code, said.err], [0, '']);
    assert.match(said.out, /4 of 4 rules reached \(100 %\)\n6 passed, 0 failed\n$/);
    assert.match(await readFile(junit, 'utf8'), /<testsuites tests="\d+" failures="0"/);
  });

  test('a policy that no longer does what its tests say is exit code 1', async () => {
    const changed = join(folder, 'changed.yaml');
    await writeFile(
      changed,
      (await readFile(policy, 'utf8')).replace('unless: [{ caller: [finance-leads] }, ', 'unless: ['),
    );
    await writeFile(
      changed,
      (await readFile(changed, 'utf8')).replace('{ caller: [finance-apps] }', '{ caller: [finance-leads] }'),
    );
    const { code, out } = await runCli('test', '-p', changed, '-t', join(folder, 'headgate.test.yaml'));
    assert.equal(code, 1);
    assert.match(out, /came {6}denied by “the credit model is for finance”/);
    assert.match(out, /5 passed, 1 failed\n$/);
  });

  test('coverage below what is asked for is exit code 1, and says which rules are not reached', async () => {
    const few = join(folder, 'few.test.yaml');
    const whole = await readFile(join(folder, 'headgate.test.yaml'), 'utf8');
    await writeFile(few, whole.slice(0, whole.indexOf('  - name: a person')));
    assert.equal((await runCli('test', '-p', policy, '-t', few, '--min-coverage', '25')).code, 0);
    const { code, out } = await runCli('test', '-p', policy, '-t', few, '--min-coverage', '26');
    assert.equal(code, 1);
    assert.match(
      out,
      /1 of 4 rules reached \(25 %\), and 26 % are asked for\n {2}no test reaches “scientists try models”/,
    );
  });

  test('for programs', async () => {
    const { code, out } = await runCli('test', '-p', policy, '--json');
    const shape = JSON.parse(out) as {
      diagnostics: unknown[];
      passed: number;
      tests: { cases: { came: { rule?: { name: string } } }[] }[];
      coverage: { percent: number };
    };
    assert.deepEqual([code, shape.diagnostics, shape.passed, shape.coverage.percent], [0, [], 6, 100]);
    assert.equal(shape.tests[0]?.cases[0]?.came.rule?.name, 'finance scores with its own models');
    const broken = await runCli('test', '-p', policy, '-t', policy, '--json');
    assert.equal(broken.code, 1);
    assert.ok((JSON.parse(broken.out) as { diagnostics: unknown[] }).diagnostics.length > 0);
  });

  test('what can not be read or understood is exit code 2', async () => {
    const cases: [string[], RegExp][] = [
      [['-p', join(folder, 'none.yaml')], /can't read the policy .*none\.yaml: there is no such file/],
      [['-p', policy, '-t', join(folder, 'none.yaml')], /can't read the tests .*none\.yaml/],
      [['-p', policy, '--min-coverage', '101'], /--min-coverage 101 is not a percentage/],
      [['-p', policy, '--junit', join(folder, 'no/such/report.xml')], /can't write .*report\.xml/],
    ];
    for (const [args, told] of cases) {
      const { code, err } = await runCli('test', ...args);
      assert.equal(code, 2);
      assert.match(err, told);
    }
  });

  for (const verb of ['test', 'check']) {
    test(`${verb} --watch: again when the policy changes, until it is told to end`, async () => {
      const files = verb === 'check' ? ['-e', join(folder, 'environments/dev.yaml')] : [];
      const { child, said } = start(verb, '-p', policy, ...files, '--watch');
      const until = async (told: RegExp): Promise<void> => {
        while (!told.test(said.out + said.err)) await once(child.stderr ?? child, 'data');
      };
      await until(/waiting for a change/);
      const good = await readFile(policy, 'utf8');
      await writeFile(policy, good.replace('to: predict', 'to: perdict'));
      await until(/unknown action|has no action|perdict[\s\S]*waiting for a change/);
      await writeFile(policy, good);
      await until(/perdict[\s\S]*waiting for a change[\s\S]*waiting for a change/);
      child.kill('SIGINT');
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
    });
  }
});
