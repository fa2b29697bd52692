import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openedHere } from '../support/opened.ts';
import { openDemo } from './harness/demo.ts';
import { type FaultGateway, present, until } from './harness/gateway.ts';
import type { FaultIssuer } from './harness/issuer.ts';
import { callOnce, counts, Load } from './harness/load.ts';
import { demoTarget } from './harness/texts.ts';

const kills = 10;
/** Calls on their way at once. Each may lose its answer, or its record, with the process. */
const callers = 3;

if (present.includes('haproxy')) {
  describe('HAProxy killed with -9', () => {
    const opened = openedHere();
    let issuer: FaultIssuer;
    let gateway: FaultGateway;

    before(async () => {
      ({ issuer, gateway } = await openDemo(opened, { engine: 'haproxy' }));
      await gateway.start();
    });

    test('a new one comes by itself, and what is lost is bounded by what was on its way', async (t) => {
      const call = { port: gateway.port, target: demoTarget };
      const loads = Array.from({ length: callers }, (_, index) => {
        const credential = issuer.credential(`user-${index}`);
        return opened.use(new Load({ ...call, headers: () => credential }));
      });
      const mallory = () => issuer.credential('mallory', { groups: [] });
      const stranger = opened.use(new Load({ ...call, headers: mallory, pauseMs: 20 }));
      const tookMs: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        await until(() => loads.every((load) => load.outcomes.slice(-20).filter(isGood).length === 20), {
          what: '200s',
        });
        const [pid] = gateway.haproxyPids();
        assert.ok(pid !== undefined);
        process.kill(pid, 'SIGKILL');
        const fresh = async () => isGood(await callOnce({ ...call, headers: () => issuer.credential('carol') }));
        tookMs.push(await until(fresh, { what: 'a new process decides', withinMs: 10_000 }));
      }
      await until(() => loads.every((load) => load.outcomes.slice(-20).filter(isGood).length === 20), { what: '200s' });
      const outcomes = (await Promise.all(loads.map((load) => load.stop()))).flat();
      const strangers = await stranger.stop();
      await gateway.stop();
      const { findings, ids, events } = await gateway.audited();
      const answered = [...outcomes, ...strangers].filter(({ status }) => status !== 0);
      const unrecorded = answered.filter(({ requestId }) => !ids.has(requestId)).length;
      t.diagnostic(`${kills} kills; it decided again after ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
      t.diagnostic(`allowed: ${counts(outcomes)}; not allowed: ${counts(strangers)}`);
      t.diagnostic(
        `audit: ${events} events, findings: ${findings.join('; ') || 'none'}; ${unrecorded} answers without a record`,
      );
      assert.deepEqual(
        [...new Set(strangers.map(({ status }) => status))].filter((status) => ![0, 403, 503].includes(status)),
        [],
      );
      assert.deepEqual(
        outcomes.filter(({ status }) => ![0, 200, 503].includes(status)),
        [],
      );
      assert.deepEqual(
        findings.filter((finding) => !/^(record-missing|spool-line-unreadable|calls-unrecorded): /.test(finding)),
        [],
      );
      const unknown = findings.filter((finding) => finding.startsWith('calls-unrecorded: haproxy '));
      assert.equal(unknown.length, kills, 'each death says that what was on its way can not be known');
      assert.ok(unrecorded <= kills * (callers + 2), `${unrecorded} answers without a record`);
      assert.deepEqual(gateway.haproxyPids(), []);
    });
  });
}

function isGood({ status }: { readonly status: number }): boolean {
  return status === 200;
}
