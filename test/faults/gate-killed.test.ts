import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openedHere } from '../support/opened.ts';
import { openDemo } from './harness/demo.ts';
import { codeOf, type FaultGateway, present, until } from './harness/gateway.ts';
import type { FaultIssuer } from './harness/issuer.ts';
import { callOnce, counts, Load, type Outcome } from './harness/load.ts';
import { demoTarget as target } from './harness/texts.ts';

/** The gate is this often killed when it is ready (less often where that takes longer than `killingMsMax`). */
const kills = 100;
const killingMsMax = 400_000;
/** And while it starts, at these times after its start. Milliseconds. */
const killsWhileStarting = [300, 500, 700, 900];
/** After this long without a gate its absence is known. */
const settledMs = 600;
/** After these kills it is away until misses have been answered 503; HAProxy tries to reach it for 3 s. */
const absences = [0, 5];
if (present.includes('haproxy')) {
  describe('the gate killed with -9 under HAProxy', () => {
    const opened = openedHere();
    let issuer: FaultIssuer;
    let gateway: FaultGateway;

    before(async () => {
      ({ issuer, gateway } = await openDemo(opened, { engine: 'haproxy' }));
    });

    test('kept decisions hold, misses are refused, nothing is left open or unrecorded', async (t) => {
      const stranger = issuer.credential('mallory', { groups: ['strangers'] });
      const kept = [issuer.credential('alice'), issuer.credential('bob')];
      const keptLoads: Load[] = [];
      const misses: Outcome[] = [];
      const away: Outcome[] = [];
      const late: Outcome[] = [];
      const strangers: Outcome[] = [];
      const miss = () => callOnce({ port: gateway.port, target, headers: () => issuer.credential('carol') });
      const intrude = () => callOnce({ port: gateway.port, target, headers: () => stranger });
      await gateway.start();
      const endMs = performance.now() + killingMsMax;
      let rounds = 0;
      for (; rounds < kills && performance.now() < endMs; rounds += 1) {
        // A decision counts as kept once the newest process of HAProxy has answered it.
        const loads = kept.map((credential) =>
          opened.use(new Load({ port: gateway.port, target, headers: () => credential })),
        );
        await until(() => loads.every(({ outcomes }) => outcomes.some(({ status }) => status === 200)), {
          what: 'kept',
        });
        keptLoads.push(...loads);
        const lost = miss();
        await gateway.kill9();
        misses.push(await lost);
        if (absences.includes(rounds)) {
          const asked = Array.from({ length: 40 }, (_, turn) => (turn % 2 === 0 ? miss() : intrude()));
          away.push(...(await Promise.all(asked)));
          // By now HAProxy knows.
          await sleep(settledMs);
          late.push(...(await Promise.all(Array.from({ length: 20 }, miss))));
        }
        const starting = gateway.start();
        strangers.push(...(await Promise.all([intrude(), intrude()])));
        await starting;
        await Promise.all(loads.map((load) => load.stop()));
        const again = await miss();
        assert.equal(again.status, 200, `decided again: ${again.answer?.body ?? again.error}`);
        misses.push(again);
        strangers.push(await intrude());
      }
      const calm = keptLoads.flatMap(({ outcomes }) => outcomes);
      for (const afterMs of killsWhileStarting) {
        await gateway.kill9();
        gateway.spawn();
        await sleep(afterMs);
        strangers.push(await intrude());
      }
      await gateway.kill9();
      await gateway.start();
      misses.push(await miss());
      strangers.push(await intrude());
      const running = gateway.haproxyPids().length;
      await gateway.stop();
      const left = gateway.haproxyPids().length;
      t.diagnostic(`killed ${rounds} times when it was ready, ${killsWhileStarting.length} times while it started`);
      t.diagnostic(`kept decisions: ${calm.length} calls (${counts(calm)}); misses while it was away: ${counts(away)}`);
      t.diagnostic(`they waited ${waits(away)} just after the kill, ${waits(late)} from ${settledMs} ms after it`);
      t.diagnostic(`misses elsewhen: ${counts(misses)}; a caller who is not allowed: ${counts(strangers)}`);
      t.diagnostic(`processes of HAProxy: ${running} at the end, ${left} after it`);
      assert.deepEqual(
        calm.filter(({ status }) => status !== 200).map(({ error, answer }) => error ?? answer?.body),
        [],
      );
      for (const { status, answer, error } of [...away, ...late]) {
        assert.equal(status, 503, error ?? answer?.body);
        assert.ok(
          answer !== undefined && codeOf(answer) === 'gate-unavailable' && answer.headers.includes('retry-after'),
        );
      }
      assert.deepEqual(
        strangers.filter(({ status }) => status !== 403 && status !== 503),
        [],
      );
      assert.equal(misses.at(-1)?.status, 200);
      assert.equal(left, 0, 'orphans');
      const { findings, ids, events } = await gateway.audited();
      const answered = [...calm, ...away, ...late, ...misses, ...strangers].filter(({ status }) => status !== 0);
      const unrecorded = answered.filter(({ requestId }) => ids.get(requestId) !== 1);
      t.diagnostic(
        `audit: ${events} events, ${findings.length} findings; ${unrecorded.length} of ${answered.length} answers not recorded`,
      );
      assert.deepEqual(findings, []);
      assert.equal(unrecorded.length, 0);
      assert.equal(running, 1);
    });
  });
}

/** Milliseconds that calls waited for their answer: the middle one, and the longest. */
function waits(outcomes: readonly Outcome[]): string {
  const sorted = outcomes.map(({ startedMs, endedMs }) => endedMs - startedMs).sort((a, b) => a - b);
  const [middle = 0, longest = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return `${middle.toFixed(0)} ms (${longest.toFixed(0)} at most)`;
}
