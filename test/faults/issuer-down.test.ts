import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { codeOf, FaultGateway, present, until } from './harness/gateway.ts';
import { FaultIssuer } from './harness/issuer.ts';
import { callOnce, counts, Load, type Outcome } from './harness/load.ts';
import { demoPolicy, demoTarget, identityLine, scoringLine } from './harness/texts.ts';

/** Longer than the cooldown of the gate between two looks for an unknown key (10 s). */
const rotationMsMax = 14_000;
/** Tokens with a key that nobody has published. */
const strangeTokens = 60;

/** What a test works with. The engines run beside one another, because most of the time is waiting. */
interface Scene {
  readonly issuer: FaultIssuer;
  readonly gateway: FaultGateway;
  readonly ask: (headers: readonly string[]) => Promise<Outcome>;
}

describe('an issuer that is down', { concurrency: true }, () => {
  let upstream: RecordingUpstream;
  before(async () => {
    upstream = await startRecordingUpstream('a');
  });
  after(() => upstream?.close());

  for (const engine of present) {
    test(`known keys go on, a rotated key is fetched once it is used, on ${engine}`, async (t) => {
      await scene(engine, upstream, async ({ issuer, gateway, ask }) => {
        await issuer.up();
        await gateway.start();
        const known = issuer.credential('alice');
        assert.equal((await ask(known)).status, 200);
        await issuer.down();
        const headers = () => issuer.credential('bob');
        await using load = new Load({ port: gateway.port, target: demoTarget, headers });
        const startedMs = performance.now();
        await until(() => load.outcomes.length > 50, { what: 'calls with keys that are known' });
        const asked = issuer.keySetsAsked;
        const strange = await Promise.all(
          Array.from({ length: strangeTokens }, () => ask(issuer.credential('carol', {}, { kid: 'nobody' }))),
        );
        const outcomes = await load.stop();
        issuer.rotate('second');
        await issuer.up();
        const rotated = async () => (await ask(issuer.credential('dave'))).status === 200;
        const tookMs = await until(rotated, { what: 'the new key', withinMs: rotationMsMax });
        t.diagnostic(`issuer down: ${counts(outcomes)}; ${strangeTokens} tokens of an unknown key: ${counts(strange)}`);
        t.diagnostic(
          `the new key was taken up ${tookMs.toFixed(0)} ms after the issuer was back, ${(performance.now() - startedMs).toFixed(0)} ms after it went`,
        );
        t.diagnostic(`key set asked for ${asked} times before, ${issuer.keySetsAsked} times in all`);
        assert.deepEqual(
          outcomes.filter(({ status }) => status !== 200),
          [],
        );
        assert.deepEqual(
          strange.filter(({ status }) => status !== 401 && status !== 503),
          [],
        );
        assert.ok(issuer.keySetsAsked <= asked + 4, 'the issuer is asked too often');
      });
    });

    test(`down from the start: 503 with Retry-After, then it comes right by itself, on ${engine}`, async (t) => {
      await scene(engine, upstream, async ({ issuer, gateway, ask }) => {
        await gateway.start();
        const down = [await ask(issuer.credential('alice')), await ask(issuer.credential('bob'))];
        const anonymous = await ask([]);
        await issuer.up();
        // Each worker of an engine asks the issuer for itself: right is when every one of many calls is.
        const right = async () => {
          const calls = Array.from({ length: 16 }, () => ask(issuer.credential('carol')));
          return (await Promise.all(calls)).every(({ status }) => status === 200);
        };
        const tookMs = await until(right, { what: 'identities are known', withinMs: 8000 });
        const later = await Promise.all(Array.from({ length: 20 }, () => ask(issuer.credential('dave'))));
        t.diagnostic(
          `down: ${counts(down)}, without a credential: ${counts([anonymous])}; right ${tookMs.toFixed(0)} ms after the issuer was up`,
        );
        for (const { status, answer, error } of down) {
          assert.equal(status, 503, error ?? answer?.body);
          assert.ok(answer !== undefined && codeOf(answer) === 'identity-unavailable', answer?.body);
          assert.ok(answer.headers.includes('retry-after'));
        }
        assert.equal(anonymous.status, 401);
        assert.deepEqual(
          later.filter(({ status }) => status !== 200),
          [],
        );
      });
    });
  }
});

async function scene(
  engine: EngineName,
  upstream: RecordingUpstream,
  work: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
  const bindings = [identityLine(issuer), scoringLine([upstream.port])];
  const gateway = await FaultGateway.make({ engine, policy: demoPolicy, bindings });
  opened.defer(() => gateway.remove());
  const ask = (headers: readonly string[]) =>
    callOnce({ port: gateway.port, target: demoTarget, headers: () => headers });
  await work({ issuer, gateway, ask });
  await gateway.stop();
  assert.deepEqual((await gateway.audited()).findings, []);
}
