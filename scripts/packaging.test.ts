import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { program } from '../src/cli/program.ts';
import { runCli } from '../src/cli/testing/run-cli.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, 'packaging', file), 'utf8');

/** Verb and long options of a command line of `headgate` are ones that it knows. */
function assertUnderstood(words: readonly string[]): void {
  const [verb, ...rest] = words;
  const silent = { out: () => undefined, err: () => undefined, colour: false };
  const command = program(silent, () => undefined).commands.find((each) => each.name() === verb);
  assert.ok(command !== undefined, `no verb ${verb}`);
  const known = command.options.map(({ long }) => long);
  for (const word of rest.filter((each) => each.startsWith('--'))) assert.ok(known.includes(word), `${verb} ${word}`);
}

describe('the systemd units', () => {
  const service = read('systemd/headgate.service');

  test('run commands that there are', () => {
    const lines = [...service.matchAll(/^Exec(?:StartPre|Start|Reload)=\/usr\/bin\/headgate (.+)$/gm)];
    assert.equal(lines.length, 3);
    for (const [, line = ''] of lines) assertUnderstood(line.split(' '));
  });

  test('wait longer than the drain takes', () => {
    const [, graceSeconds] = /--grace (\d+)s/.exec(service) ?? [];
    const [, stopSeconds] = /^TimeoutStopSec=(\d+)s$/m.exec(service) ?? [];
    assert.ok(Number(stopSeconds) > Number(graceSeconds));
  });

  test('the socket is named as a listener, and every line of it shares the port', () => {
    const socket = read('systemd/headgate.socket');
    assert.match(socket, /^FileDescriptorName=public$/m);
    assert.match(socket, /^ReusePort=yes$/m);
    assert.match(service, /^Requires=headgate\.socket$/m);
  });
});

describe('the image', () => {
  const dockerfile = read('docker/Dockerfile');

  test('copies files that there are', () => {
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
      sources.split(' '),
    );
    assert.ok(copies.length > 5);
    for (const source of copies) assert.ok(existsSync(join(root, source)), source);
  });

  test('starts and asks with commands that there are', () => {
    for (const [, list = ''] of dockerfile.matchAll(/^\s*CMD (\[.+\])$/gm)) {
      const words = JSON.parse(list) as string[];
      assertUnderstood(words[0] === 'headgate' ? words.slice(1) : words);
    }
  });

  test('has a policy and an environment that are good', async () => {
    const folder = join(root, 'packaging/docker/etc');
    const words = ['-p', join(folder, 'headgate.yaml'), '-e', join(folder, 'environments/docker.yaml')];
    const { code, out, err } = await runCli('check', ...words);
    assert.equal(code, 0, err);
    assert.match(out, /: good\n/);
  });

  test('the compose file publishes the listener, and its replicas are those of the environment', () => {
    const compose = parse(read('docker/compose.yaml')) as Compose;
    const environment = read('docker/etc/environments/docker.yaml');
    for (const published of compose.services.headgate?.ports ?? []) {
      assert.ok(environment.includes(`address: 0.0.0.0:${published.split(':')[1]}`), published);
    }
    const replicas = Object.entries(compose.services).filter(([name]) => name !== 'headgate');
    assert.equal(replicas.length, 2);
    for (const [name, { command = [] }] of replicas) {
      const port = /=(\d+)/.exec(command[0] ?? '')?.[1];
      assert.ok(environment.includes(`rest: 127.0.0.1:${port}`), name);
    }
  });
});

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly ports?: readonly string[]; readonly command?: readonly string[] }>
  >;
}
