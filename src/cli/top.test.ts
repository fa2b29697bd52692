import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openedHere } from '../../test/support/opened.ts';
import { startHeadgate } from '../control/index.ts';
import { openWorkshop } from '../control/testing/workshop.ts';
import { printHostPort } from '../std/host-port.ts';
import { runCli } from './testing/run-cli.ts';

describe('headgate top', () => {
  const opened = openedHere();
  let admin: string;

  before(async () => {
    const workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    const headgate = opened.adopt(await startHeadgate({ ...workshop, log: () => undefined }), (it) => it.stop(500));
    admin = printHostPort(headgate.admin);
    const { host, port } = headgate.addresses.public ?? headgate.admin;
    for (let left = 5; left > 0; left -= 1) await fetch(`http://${printHostPort({ host, port })}/v1/models/m`);
    await fetch(`http://${printHostPort({ host, port })}/v1/models/other`);
    await headgate.flushAudit();
  });

  test('--once prints one frame, and so does a terminal that is none', async () => {
    const { code, out, err } = await runCli('top', '--admin', admin, '--once', '--interval', '200ms');
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    const lines = out.split('\n');
    assert.match(lines[0] ?? '', /^headgate \S+ {2}dev on embedded {2}ready {2}up \d+ s {2}over 0\.\d s$/);
    assert.match(out, /^SERVICE +MODEL +VERSION +CALLS\/s/m);
    assert.match(out, /^scoring +m +- +0 +0 +0 +- +-$/m);
    assert.match(out, /^credential-missing +- +0 +1$/m);
    assert.match(out, /^scoring +127\.0\.0\.1:\d+ +up +0 +0$/m);
    assert.ok(!out.includes('\u001b'));
  });

  test('an interval that is none is 2, a gateway that is not there 3', async () => {
    const { code, err } = await runCli('top', '--admin', admin, '--interval', '1ms');
    assert.equal(code, 2);
    assert.match(err, /--interval 1ms is not a duration from 200ms to 60s/);
    assert.equal((await runCli('top', '--admin', '127.0.0.1:1')).code, 3);
  });
});
