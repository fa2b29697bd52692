import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { resolveSecret, secretBytesMax } from './resolve-secret.ts';
import { Secret } from './secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'hg-secret-'));
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `s${Math.random()}`);
  writeFileSync(path, text);
  return `file:${path}`;
}

function revealed(reference: string, environment: Record<string, string> = {}): string {
  const found = resolveSecret(reference, { environment });
  return found instanceof Secret ? found.reveal() : `fault: ${found.fault}`;
}

describe('a reference to a secret', () => {
  it('leads to a variable or a file, without the line break at the end', () => {
    assert.equal(revealed('env:A_1', { A_1: 's3cret' }), 's3cret');
    assert.equal(revealed(file('s3cret\n')), 's3cret');
    assert.equal(revealed(file('s3cret\r\n')), 's3cret');
    assert.equal(revealed(file(' s3 cret ')), ' s3 cret ');
  });

  it('is refused where nothing is behind it', () => {
    assert.match(revealed('env:A'), /the variable A is not set/);
    assert.match(revealed('env:A', { A: '' }), /is empty/);
    assert.match(revealed('env:'), /followed by the name/);
    assert.match(revealed('file:'), /followed by the path/);
    assert.match(revealed(`file:${folder}`), /is not a file/);
    assert.match(revealed(`file:${folder}/none`), /can't be read: ENOENT/);
    assert.match(revealed(file('\n')), /is empty/);
    assert.match(revealed(file('a\nb\n')), /more than one line/);
    assert.match(revealed(file('x'.repeat(secretBytesMax + 1))), /larger than/);
    assert.match(revealed('store:a/b'), /later version/);
  });

  it('is no secret itself, and a literal is never shown again', () => {
    for (const literal of ['hunter2', '', 'ENV:A', 'https://a:hunter2@b', ' env:A']) {
      assert.match(revealed(literal, { A: 'x' }), /written out where a reference belongs/);
      assert.ok(!revealed(literal).includes('hunter2'));
    }
  });
});
