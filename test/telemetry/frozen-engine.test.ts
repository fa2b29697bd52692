import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { readSamples, sumOf } from '../../src/telemetry/index.ts';
import { openDemo } from '../faults/harness/demo.ts';
import { type FaultGateway, present, until } from '../faults/harness/gateway.ts';
import { openedHere } from '../support/opened.ts';

/** Prometheus waits this long for a page unless it is told otherwise. */
const scrapeMsMax = 10_000;

for (const engine of present.filter((name) => name === 'haproxy')) {
  describe(`/metrics while ${engine} stands still`, () => {
    const opened = openedHere();
    let gateway: FaultGateway;

    before(async () => {
      ({ gateway } = await openDemo(opened, { engine }));
      await gateway.start();
    });

    const up = async (): Promise<number> =>
      sumOf(readSamples((await gateway.page('/metrics')).text), 'headgate_engine_metrics_up');

    test('ours come within the time of a scrape, and say that the rest is missing', async (context) => {
      assert.equal(await up(), 1);
      const pids = gateway.haproxyPids();
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      context.after(() => {
        for (const pid of pids) process.kill(pid, 'SIGCONT');
      });
      const beganMs = performance.now();
      const { status, text } = await gateway.page('/metrics');
      const tookMs = performance.now() - beganMs;
      context.diagnostic(`answered after ${tookMs.toFixed(0)} ms`);
      assert.equal(status, 200);
      assert.ok(tookMs < scrapeMsMax);
      assert.match(text, /\nheadgate_engine_metrics_up 0\n/);
      assert.match(text, /\nheadgate_audit_recording 1\n/);
      assert.doesNotMatch(text, /\nhaproxy_/);
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      await until(async () => (await up()) === 1, { what: 'the rest is there again', withinMs: 10_000 });
    });
  });
}
