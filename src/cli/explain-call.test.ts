import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openedHere } from '../../test/support/opened.ts';
import { type RunningHeadgate, startHeadgate } from '../control/index.ts';
import { openWorkshop, statusPolicy, type Workshop } from '../control/testing/workshop.ts';
import { runCli } from './testing/run-cli.ts';

describe('explain ID', () => {
  const opened = openedHere();
  let workshop: Workshop;
  let headgate: RunningHeadgate;
  let place: string[];
  const ids: Record<string, string> = {};

  before(async () => {
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    await workshop.writePolicy(
      `${statusPolicy}  - { name: metadata is for none, deny: anyone, to: metadata, at: scoring/m }\n`,
    );
    place = ['-p', workshop.policyFile, '-e', workshop.environmentFile];
    headgate = await startHeadgate({ ...workshop, log: () => undefined });
    opened.defer(() => headgate.stop(1000));
    const { host, port } = headgate.addresses.public ?? assert.fail('no listener');
    for (const [name, path, method] of [
      ['status', '/v1/models/m', 'GET'],
      ['metadata', '/v1/models/m/metadata', 'GET'],
      ['predict', '/v1/models/m:predict', 'POST'],
      ['nothing', '/v1/strange', 'GET'],
    ] as const) {
      const answer = await fetch(`http://${host}:${port}${path}`, { method });
      await answer.text();
      ids[name] = answer.headers.get('x-headgate-request-id') ?? '';
    }
    await headgate.flushAudit();
  });

  test('a denial by a rule: its line, the sentence that the caller saw', async () => {
    const { code, out } = await runCli('explain', ids.metadata ?? '', ...place);
    assert.equal(code, 1);
    assert.match(out, /^refused: 403 rule-denies\n/);
    assert.match(out, /rule {4}“metadata is for none” \(.*headgate\.yaml:5\)/);
    assert.match(out, /told {4}Denied by a rule\. A rule of the access policy denies this call\./);
    assert.match(out, /by the same policy as then/);
    assert.match(out, /→ deny {2}metadata is for none .* decides/);
    assert.match(out, /status is for all .* action metadata is not status/);
  });

  test('a denial that no rule made: which rule came nearest', async () => {
    const { code, out } = await runCli('explain', ids.predict ?? '', ...place);
    assert.equal(code, 1);
    assert.match(out, /^refused: 401 credential-missing\n/);
    assert.match(out, /nearest is “status is for all”, which lacks: action predict is not status/);
  });

  test('a permit, and a call that no rule was asked about', async () => {
    const permit = await runCli('explain', ids.status ?? '', ...place);
    assert.equal(permit.code, 0);
    assert.match(permit.out, /^allowed: 200\n/);
    const strange = await runCli('explain', ids.nothing ?? '', ...place);
    assert.match(strange.out, /no rule was asked/);
    assert.equal(strange.code, 1);
  });

  test('for programs, with the problem document', async () => {
    const { out } = await runCli('explain', ids.metadata ?? '', '--json', ...place);
    const { event, problem, now } = JSON.parse(out) as {
      event: { requestId: string };
      problem: { code: string; requestId: string };
      now: { sameEpoch: boolean; rules: unknown[] };
    };
    assert.equal(problem.requestId, event.requestId);
    assert.deepEqual([problem.code, now.sameEpoch, now.rules.length], ['rule-denies', true, 2]);
  });

  test('an id that the audit does not know: where it looked and how far back', async () => {
    const { code, err } = await runCli('explain', 'no-such-id', ...place);
    assert.equal(code, 2);
    assert.match(err, /no call no-such-id in .*audit: it holds 4 events, from 20.* UTC to 20.* UTC\n {2}hint: /);
    const empty = join(workshop.folder, 'empty');
    await mkdir(empty);
    assert.match((await runCli('explain', 'x', '-d', empty, ...place)).err, /it holds no calls yet/);
    assert.equal((await runCli('explain', 'x', '--call', 'GET /', ...place)).code, 2);
  });

  test('another policy since then is said, and broken files take only the rules away', async () => {
    const before = await readFile(workshop.policyFile, 'utf8');
    const changed = join(workshop.folder, 'changed.yaml');
    await writeFile(changed, before.replace('deny: anyone', 'allow: anyone'));
    const { out } = await runCli('explain', ids.metadata ?? '', '-p', changed, '-e', workshop.environmentFile);
    assert.match(
      out,
      /the policy has changed since: epoch [0-9a-f]{16} then, [0-9a-f]{16} now; it would be allowed, by “/,
    );
    await writeFile(changed, 'version: 1\n');
    const broken = await runCli('explain', ids.metadata ?? '', '-p', changed, '-e', workshop.environmentFile);
    assert.match(broken.out, /the files have errors/);
    assert.equal(broken.code, 1);
  });
});
