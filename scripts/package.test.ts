import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openWorkshop, type Workshop } from '../src/control/testing/workshop.ts';
import { openedHere } from '../test/support/opened.ts';

const root = join(import.meta.dirname, '..');

/** The package as `npm run build` makes it: plain JavaScript, beside its manifest and libraries. */
describe('the published package', () => {
  const opened = openedHere();
  let folder: string;
  let main: string;
  let workshop: Workshop;

  before(async () => {
    folder = opened.adopt(mkdtempSync(join(tmpdir(), 'hg-package-')), (it) => rmSync(it, { recursive: true }));
    main = join(folder, 'dist/cli/main.js');
    const tsc = join(root, 'tools/node_modules/.bin/tsc');
    // Types are checked apart.
    execFileSync(tsc, ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(folder, 'dist')], {
      cwd: root,
      stdio: 'inherit',
    });
    execFileSync(process.execPath, [join(root, 'scripts/copy-lua.mjs'), join(folder, 'dist')]);
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
  });

  test('checks files and knows its version', () => {
    const run = (...args: string[]): string => execFileSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    assert.match(run('--version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(run('check', '-p', workshop.policyFile, '-e', workshop.environmentFile), /: good\n/);
  });

  test('has the Lua that HAProxy loads', async () => {
    const { luaFiles }: typeof import('../src/engines/haproxy/lua.ts') = await import(
      join(folder, 'dist/engines/haproxy/lua.js')
    );
    assert.match(luaFiles()['filter.lua'] ?? '', /core\.register_filter/);
  });

  test('runs a gateway', { timeout: 30_000 }, async () => {
    const args = [main, 'up', '-p', workshop.policyFile, '-e', workshop.environmentFile];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      said += text;
      if (said.includes('headgate: ready\n')) break;
    }
    const [, url] = /listener public {2}(http:\S+)/.exec(said) ?? [];
    assert.equal((await fetch(`${url}/v1/models/m`)).status, 200);
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
