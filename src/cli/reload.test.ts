import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type RunningHeadgate, startHeadgate } from '../control/index.ts';
import { openWorkshop, statusPolicy, type Workshop } from '../control/testing/workshop.ts';
import { printHostPort } from '../std/host-port.ts';
import { exitCodes } from './exit-codes.ts';
import { type Ran, runCli } from './testing/run-cli.ts';

describe('headgate reload', () => {
  let opened: AsyncDisposableStack;
  let workshop: Workshop;
  let headgate: RunningHeadgate;

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    headgate = opened.adopt(await startHeadgate({ ...workshop, log: () => undefined }), (it) => it.stop(1000));
  });

  afterEach(() => opened.disposeAsync());

  const run = (policy = workshop.policyFile, within = '10s'): Promise<Ran> => {
    const admin = printHostPort(headgate.admin);
    return runCli('reload', '-p', policy, '-e', workshop.environmentFile, '--admin', admin, '--within', within);
  };

  test('says what is in force, where nothing has changed', async () => {
    const { code, out } = await run();
    assert.equal(code, exitCodes.ok);
    assert.match(out, new RegExp(`in force, epoch ${headgate.plan().epoch}\n$`));
  });

  test('waits until a change is in force', async () => {
    const before = headgate.plan().epoch;
    await workshop.writePolicy(statusPolicy.replace('to: status', 'to: [status, metadata]'));
    const { code, out } = await run();
    assert.equal(code, exitCodes.ok);
    assert.notEqual(headgate.plan().epoch, before);
    assert.match(out, /in force, epoch [0-9a-f]{16}: change taken up: access/);
  });

  test('says why a broken change is not, and that the old policy stays; then takes the mended one', async () => {
    const before = headgate.plan().epoch;
    await workshop.writePolicy(statusPolicy.replace('at: scoring/m', 'at: scoring/other'));
    const { code, err } = await run();
    assert.equal(code, exitCodes.no);
    assert.match(
      err,
      /the policy from before stays in force: the files have errors\n {2}HG\d{4} .*\(.*headgate\.yaml:\d+\)/,
    );
    assert.equal(headgate.plan().epoch, before);
    await workshop.writePolicy(statusPolicy);
    assert.equal((await run()).code, exitCodes.ok);
  });

  test('says so where the gateway runs on other files', async () => {
    const other = await openWorkshop();
    try {
      await other.writePolicy(statusPolicy.replace('status is for all', 'status is for everybody'));
      const { code, err } = await run(other.policyFile, '300ms');
      assert.equal(code, exitCodes.failed);
      assert.ok(err.includes(`it runs on ${workshop.policyFile}`), err);
    } finally {
      await other.close();
    }
  });
});
