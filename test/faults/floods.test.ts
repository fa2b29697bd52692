import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
import { openDemo } from './harness/demo.ts';
import { type FaultGateway, present } from './harness/gateway.ts';
import type { FaultIssuer } from './harness/issuer.ts';
import { callOnce } from './harness/load.ts';
import { type Flooded, flood } from './harness/pipelined.ts';
import { demoTarget } from './harness/texts.ts';

/** Each flood ends with so many calls, or after its time: the first fills what is bounded by count, the second must add little. */
const callsMax = 50_000;
const floodMsMax = 3000;
/** Growth of all processes together over a second flood of a kind, and what they hold after all of them. Node's heaps are slow to shrink. */
const bounds = {
  embedded: { grownMb: 400, residentMb: 1200 },
  // Cores are held in two generations of 20,000, some 2.5 kB each: a second flood can still be filling the other one.
  haproxy: { grownMb: 150, residentMb: 600 },
} as const;

for (const engine of present) describe(`floods on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let gateway: FaultGateway;

  before(async () => {
    ({ issuer, gateway } = await openDemo(opened, { engine }));
    await gateway.start();
  });

  const head = (target: string, authorization: string): string =>
    `GET ${target} HTTP/1.1\r\nhost: headgate.test\r\nauthorization: Bearer ${authorization}\r\n\r\n`;
  /** Two floods, because bad tokens end the other one early: both count as failed credentials of one address. */
  const kinds: Readonly<Record<string, (good: string, strange: string, turn: number) => string>> = {
    'tokens, half of them well-formed': (_good, strange, turn) =>
      head('/v1/models/demo', turn % 2 === 0 ? `nothing-${turn}` : changed(strange, turn)),
    'paths, query strings and hosts': (good, _strange, turn) =>
      [
        head(`/v1/models/none-${turn}/versions/${turn}`, good),
        head(`/v1/models/none?turn=${turn}`, good),
        head('/v1/models/none', good).replace('headgate.test', `h${turn}.test`),
      ][turn % 3] ?? '',
  };

  for (const [kind, request] of Object.entries(kinds)) {
    test(`of distinct ${kind}: memory stays bounded, and good calls go on`, async (t) => {
      const good = tokenOf(issuer.credential('alice'));
      const strange = tokenOf(issuer.credential('mallory'));
      const call = { port: gateway.port, target: demoTarget, headers: () => ['authorization', `Bearer ${good}`] };
      let turn = 0;
      const make = () => request(good, strange, turn++);
      const options = { port: gateway.port, make, calls: callsMax, withinMs: floodMsMax };
      const first = await flood(options);
      const beforeMb = residentMb(gateway);
      const flooding = flood(options);
      const amid = await callOnce(call);
      const second = await flooding;
      const afterMb = residentMb(gateway);
      t.diagnostic(`${said(first)}, ${beforeMb.toFixed(0)} MB; then ${said(second)}, ${afterMb.toFixed(0)} MB`);
      t.diagnostic(
        `a call of somebody allowed amid them: ${amid.status} in ${(amid.endedMs - amid.startedMs).toFixed(0)} ms`,
      );
      assert.ok(afterMb - beforeMb < bounds[engine].grownMb, `grown by ${afterMb - beforeMb} MB`);
      assert.ok(afterMb < bounds[engine].residentMb, `${afterMb} MB`);
      for (const status of [...first.statuses.keys(), ...second.statuses.keys()])
        assert.ok([401, 403, 429, 503].includes(status), String(status));
      // A failed credential counts against its address, and here all come from one.
      assert.ok(amid.status === 200 || amid.status === 429, amid.error ?? String(amid.status));
      assert.ok(second.calls > 1000);
    });
  }

  test('it is well after them', async (t) => {
    const { status } = await callOnce({
      port: gateway.port,
      target: demoTarget,
      headers: () => issuer.credential('alice'),
    });
    await gateway.stop();
    const { findings, events } = await gateway.audited();
    t.diagnostic(`${events} events, ${findings.length} findings`);
    assert.equal(status, 200);
    assert.deepEqual(findings, []);
  });
}

function tokenOf(credential: readonly string[]): string {
  return credential[1]?.slice('Bearer '.length) ?? '';
}

function said({ calls, statuses, tookMs }: Flooded): string {
  const answered = [...statuses].map(([status, count]) => `${status}×${count}`).join(', ');
  return `${calls} calls in ${(tookMs / 1000).toFixed(1)} s (${answered})`;
}

/** The token with another signature. */
function changed(token: string, turn: number): string {
  return token.slice(0, -12) + Buffer.from(String(turn).padStart(9, '0')).toString('base64url');
}

/** Resident memory of the gateway and its HAProxy. */
function residentMb(gateway: FaultGateway): number {
  const kilobytes = [gateway.pid, ...gateway.haproxyPids()].map((pid) =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}
