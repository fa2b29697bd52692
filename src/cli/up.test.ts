import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, openWorkshop, statusPolicy, type Workshop } from '../control/testing/workshop.ts';

const root = join(import.meta.dirname, '../..');

interface Up {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly said: { out: string; err: string };
}

interface UpOptions {
  /** A command that runs the command. */
  readonly under?: readonly string[];
  readonly more?: readonly string[];
}

/** `headgate up` as people start it: by the root script, from another folder. */
function up({ policyFile, environmentFile }: Workshop, { under = [], more = [] }: UpOptions = {}): Up {
  const words = [...under, join(root, 'headgate'), 'up', '-p', policyFile, '-e', environmentFile, ...more];
  const [program = '', ...args] = words;
  const child = spawn(program, args, { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  return { child, said };
}

async function ready({ child, said }: Up): Promise<void> {
  const ended = once(child, 'exit').then(([code]) => assert.fail(`ended with ${code}: ${said.err}`));
  while (!said.out.includes('headgate: ready\n')) await Promise.race([once(child.stdout ?? child, 'data'), ended]);
}

describe('headgate up', () => {
  let workshop: Workshop;

  before(async () => {
    workshop = await openWorkshop();
  });

  after(() => workshop.close());

  test('says where it listens and that it is ready, and drains when it is told to end', async () => {
    const process = up(workshop);
    await ready(process);
    const [, url = ''] = /listener public {2}(http:\S+)/.exec(process.said.out) ?? [];
    const [, admin = ''] = /admin\s+(http:\S+)/.exec(process.said.out) ?? [];
    assert.equal((await fetch(`${url}/v1/models/m`)).status, 200);
    assert.equal((await fetch(`${admin}/readyz`)).status, 200);
    process.child.kill('SIGTERM');
    const [code] = await once(process.child, 'exit');
    assert.equal(code, 0, process.said.err);
    assert.match(process.said.err, /SIGTERM, draining for at most 10s[\s\S]*headgate: ended\n$/);
  });

  test('closes admission when the disk takes no more records', async () => {
    // Files may grow to 20 kB, and a write beyond that is an error, not a signal: a full disk as far as it can be feigned.
    const limited = ['sh', '-c', `trap '' XFSZ; ulimit -f 40; exec "$0" "$@"`];
    const process = up(workshop, { under: limited });
    await ready(process);
    const [, url = ''] = /listener public {2}(http:\S+)/.exec(process.said.out) ?? [];
    const [, admin = ''] = /admin\s+(http:\S+)/.exec(process.said.out) ?? [];
    const answer = async (): Promise<[number, string]> => {
      const response = await fetch(`${url}/v1/models/m`);
      return [response.status, await response.text()];
    };
    assert.equal((await answer())[0], 200);
    await eventually(async () => (await answer())[0] === 503, 'a refusal');
    assert.match((await answer())[1], /"code":"audit-unavailable"/);
    await eventually(async () => (await fetch(`${admin}/readyz`)).status === 503, 'not ready');
    process.child.kill('SIGTERM');
    await once(process.child, 'exit');
  });

  test('does not start on broken files', async () => {
    const broken = await openWorkshop();
    await broken.writePolicy(statusPolicy.replace('scoring/m', 'scorin/m'));
    const process = up(broken);
    const [code] = await once(process.child, 'close');
    await broken.close();
    assert.equal(code, 1);
    assert.equal(process.said.out, '');
    assert.match(process.said.err, /headgate\.yaml:4:[\s\S]*headgate: the files have errors/);
  });

  test('refuses a grace that is no duration', async () => {
    const process = up(workshop, { more: ['--grace', 'soon'] });
    const [code] = await once(process.child, 'close');
    assert.equal(code, 2);
    assert.match(process.said.err, /--grace soon is not a duration/);
  });
});
