import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { startRecordingUpstream } from '../conformance/harness/upstream.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { FaultIssuer } from './harness/issuer.ts';
import { callOnce, counts, Load, type Outcome } from './harness/load.ts';
import { demoPolicy, demoTarget, identityLine, scoringLine } from './harness/texts.ts';

/** Of the structure (an engine's reload), and of the policy (an epoch), in turn. */
const changes = 100;
const takenMsMax = 20_000;

for (const engine of present) describe(`changes one after another under load, on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let gateway: FaultGateway;
  let bindings: string[];

  before(async () => {
    issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
    await issuer.up();
    const upstream = opened.adopt(await startRecordingUpstream('a'), (it) => it.close());
    bindings = [identityLine(issuer), scoringLine([upstream.port])];
    const made = await FaultGateway.make({ engine, policy: demoPolicy, bindings });
    gateway = opened.adopt(made, (it) => it.remove());
    await gateway.start();
  });

  /** Changes a file, says so, and waits until it is in force. */
  const change = async (write: () => Promise<void>): Promise<void> => {
    const before = (await gateway.status()).filesRead;
    await write();
    process.kill(gateway.pid, 'SIGHUP');
    await until(
      async () => {
        const { filesRead, reload } = await gateway.status();
        if (filesRead !== before) assert.equal(reload?.outcome, 'taken', reload?.message);
        return filesRead !== before;
      },
      { what: 'the change is in force', withinMs: takenMsMax },
    );
  };

  test(`${changes} structural reloads and ${changes} changes of the policy: no call fails`, async (t) => {
    const [alice, bob] = [issuer.credential('alice'), issuer.credential('bob')];
    const call = (headers: readonly string[]) => ({ port: gateway.port, target: demoTarget, headers: () => headers });
    const kept = [alice, bob].map((headers) => opened.use(new Load(call(headers))));
    const streams = opened.use(new Streams(gateway.port, alice));
    const fresh: Outcome[] = [];
    for (let turn = 1; turn <= changes; turn += 1) {
      await change(() => gateway.writeBindings([...bindings, `bounds: { body: ${64 + (turn % 2)}MB }`]));
      await change(() => gateway.writePolicy(`${demoPolicy}# ${turn}\n${turn % 2 === 1 ? another : ''}`));
      fresh.push(await callOnce(call(bob)));
    }
    const outcomes = (await Promise.all(kept.map((load) => load.stop()))).flat();
    await streams.stop();
    t.diagnostic(`kept-alive: ${counts(outcomes)}; new connections: ${counts(fresh)}`);
    t.diagnostic(`h2c: ${streams.counts()}, ${streams.sentAgain} of them crossed a GOAWAY and were sent again`);
    assert.deepEqual(
      [...outcomes, ...fresh].filter(({ status }) => status !== 200).map(({ error, answer }) => error ?? answer?.body),
      [],
    );
    assert.deepEqual([...streams.outcomes.keys()], ['200']);
    const { findings, ids } = await audited(gateway);
    assert.deepEqual(findings, []);
    const lost = [...outcomes, ...fresh].filter(({ requestId }) => ids.get(requestId) !== 1);
    assert.deepEqual(lost, []);
  });
}

const another = '  - { name: users look, allow: [users], to: metadata, at: scoring/demo }\n';

async function audited(gateway: FaultGateway): Promise<Awaited<ReturnType<FaultGateway['audited']>>> {
  await gateway.stop();
  return gateway.audited();
}

/**
 * Calls on streams of one h2c connection; after a GOAWAY the next one is on a new connection. A stream that crosses the GOAWAY on its
 * way is refused unprocessed and sent again, as the protocol has it (RFC 9113, section 8.7) and every client of gRPC does.
 */
class Streams {
  readonly outcomes = new Map<string, number>();
  sentAgain = 0;
  readonly #port: number;
  readonly #headers: Record<string, string>;
  readonly #running: Promise<void>;
  #session: ClientHttp2Session | undefined;
  #isStopping = false;

  constructor(port: number, [name = '', value = '']: readonly string[]) {
    this.#port = port;
    this.#headers = { [name]: value };
    this.#running = Promise.all([this.#run(), this.#run()]).then(() => undefined);
  }

  counts(): string {
    return [...this.outcomes].map(([outcome, count]) => `${outcome}×${count}`).join(', ');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    this.#session?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const outcome = await this.#call().catch((error: Error) => error.message);
      if (outcome.includes('NGHTTP2_REFUSED_STREAM')) {
        this.sentAgain += 1;
        continue;
      }
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    }
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect(`http://127.0.0.1:${this.#port}`);
    session.on('error', () => undefined);
    session.once('goaway', () => {
      if (this.#session === session) this.#session = undefined;
      session.close();
    });
    this.#session = session;
    return session;
  }

  async #call(): Promise<string> {
    const headers = { ':method': 'POST', ':path': demoTarget, ...this.#headers };
    const stream = this.#connected().request(headers);
    stream.end('{"instances":[[1]]}');
    const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
    await stream.toArray();
    return String(answer[':status']);
  }
}
