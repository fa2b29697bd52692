import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { DenialReason } from '../../gate/index.ts';
import { Claims, claimMemory } from '../../traffic/index.ts';
import type { Load, Passenger, Recipient, Underway } from './carried.ts';
import type { Ending } from './ending.ts';
import { Fields } from './fields.ts';
import { Flights, type Sent } from './flights.ts';
import { Peers } from './peers.ts';
import { eventually } from './testing/stage.ts';

const key = createHash('sha256').update('a').digest();
const nothing = (): void => undefined;

/** A call whose answer is noted. */
class TestCall implements Passenger {
  readonly requestId: string;
  readonly fields = Object.assign(new Fields(), { sent: ['grpc-timeout', '1S', 'accept', 'a'] });
  readonly exchange: Recipient;
  underway: Underway | undefined;
  queueMs: number | undefined;
  leader: string | undefined;
  isEnding = false;
  readonly dueMs = Number.POSITIVE_INFINITY;
  refused: DenialReason | undefined;
  answered: string | undefined;

  constructor(requestId: string) {
    this.requestId = requestId;
    this.exchange = {
      ...{ method: 'POST', target: '/', authority: undefined, address: '127.0.0.1', rawFields: [] },
      ...{ inform: nothing, begin: nothing, write: () => true, onDrain: nothing, end: nothing, cut: nothing },
      respond: (_status, _fields, body) => {
        this.answered = String(body);
      },
    };
  }

  refuse(reason: DenialReason): void {
    this.isEnding = true;
    this.refused = reason;
    this.underway?.abandon();
  }

  end(ending: Ending): void {
    this.isEnding = true;
    this.underway?.abandon();
    ending.release();
  }

  leave(): void {
    this.isEnding = true;
    this.underway?.abandon();
  }
}

interface Sending {
  readonly call: Sent;
  isAbandoned: boolean;
  answer(body: string): void;
}

/** One thread's flights, and what they have sent to the service. */
class TestThread {
  readonly peers = new Peers();
  readonly sent: Sending[] = [];
  shared = 0;
  readonly flights: Flights;

  constructor(memory: SharedArrayBuffer, thread: number) {
    this.flights = new Flights({
      claims: new Claims(memory, thread),
      peers: this.peers,
      send: (call) => this.#send(call),
      onShared: () => {
        this.shared += 1;
      },
    });
  }

  enter(id: string): TestCall {
    const call = new TestCall(id);
    this.flights.enter(call, {} as Load, key);
    return call;
  }

  #send(call: Sent): void {
    const sending: Sending = {
      call,
      isAbandoned: false,
      answer: (body) => {
        const release = (): void => call.exchange.respond(200, [], Buffer.from(body));
        call.end({ status: 200, bytesOut: body.length, endpoint: 'a:1', release });
      },
    };
    call.underway = {
      ...{ hasBegun: false, bytesOut: 0, endpoint: undefined, tries: undefined, breakOff: nothing, late: nothing },
      abandon: () => {
        sending.isAbandoned = true;
      },
    };
    this.sent.push(sending);
  }
}

interface Two {
  readonly one: TestThread;
  readonly other: TestThread;
  readonly memory: SharedArrayBuffer;
  readonly ports: readonly MessagePort[];
}

/** Two threads' flights with a real channel between them. */
function two(): Two {
  const memory = claimMemory();
  const [one, other] = [new TestThread(memory, 0), new TestThread(memory, 1)];
  const { port1, port2 } = new MessageChannel();
  one.peers.add(1, port1);
  other.peers.add(0, port2);
  return { one, other, memory, ports: [port1, port2] };
}

const isDone = (call: TestCall): true | undefined => call.isEnding || undefined;

test('who is first leads, for its own thread and for others; each learns whose answer it got', async () => {
  const { one, other, ports } = two();
  const leader = one.enter('one-1');
  const mine = one.enter('one-2');
  const theirs = [other.enter('other-1'), other.enter('other-2')];
  assert.deepEqual([one.sent.length, other.sent.length], [1, 0]);
  assert.deepEqual(
    one.sent[0]?.call.fields.sent,
    ['accept', 'a'],
    "the leader's deadline is no measure for the others",
  );
  // What was posted is there before what is answered now is posted.
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.sent[0]?.answer('x');
  for (const call of theirs) await eventually(() => isDone(call));
  const all = [leader, mine, ...theirs];
  assert.deepEqual(
    all.map(({ answered, leader: whose }) => [answered, whose]),
    [
      ['x', undefined],
      ['x', 'one-1'],
      ['x', 'one-1'],
      ['x', 'one-1'],
    ],
  );
  assert.deepEqual([one.shared, other.shared], [1, 2]);
  other.enter('other-3');
  assert.equal(other.sent.length, 1, 'over is over: the next leads');
  ports[0]?.close();
});

test('a leader that was over before it heard of the others: they lead themselves', async () => {
  const { one, other, ports } = two();
  one.enter('one-1');
  const late = other.enter('other-1');
  one.sent[0]?.answer('x');
  await eventually(() => other.sent.length > 0 || undefined);
  other.sent[0]?.answer('y');
  assert.deepEqual([late.answered, late.leader], ['y', undefined]);
  ports[0]?.close();
});

test('it goes on while anybody waits, on whatever thread, and no longer', async () => {
  const { one, other, ports } = two();
  const leader = one.enter('one-1');
  const theirs = other.enter('other-1');
  await new Promise((resolve) => setTimeout(resolve, 20));
  leader.leave();
  assert.equal(one.sent[0]?.isAbandoned, false);
  theirs.leave();
  await eventually(() => one.sent[0]?.isAbandoned || undefined);
  assert.deepEqual([one.sent.length, other.sent.length], [1, 0]);
  ports[0]?.close();
});

test("a failure is the leader's; the others try once more, and then no more", async () => {
  const { one, other, ports } = two();
  const leader = one.enter('one-1');
  const mine = one.enter('one-2');
  const theirs = other.enter('other-1');
  await new Promise((resolve) => setTimeout(resolve, 20));
  one.sent[0]?.call.refuse('upstream-malformed');
  assert.deepEqual([leader.refused, mine.refused], ['upstream-malformed', undefined]);
  assert.equal(one.sent.length, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(other.sent.length, 0, 'the other thread follows again');
  one.sent[1]?.call.refuse('upstream-timeout');
  await eventually(() => isDone(theirs));
  assert.deepEqual([mine.refused, theirs.refused], ['upstream-timeout', 'upstream-timeout']);
  assert.deepEqual([one.sent.length, other.sent.length], [2, 0]);
  ports[0]?.close();
});

test('a thread that dies takes its leaders with it, and nobody who follows', async () => {
  const { one, other, memory, ports } = two();
  one.enter('one-1');
  const theirs = [other.enter('other-1'), other.enter('other-2')];
  await new Promise((resolve) => setTimeout(resolve, 20));
  ports[0]?.close();
  await eventually(() => other.sent.length > 0 || undefined);
  new Claims(memory).forget(0);
  assert.equal(other.sent.length, 1);
  other.sent[0]?.answer('y');
  assert.deepEqual(
    theirs.map(({ answered, leader }) => [answered, leader]),
    [
      ['y', undefined],
      ['y', 'other-1'],
    ],
  );
});

test('a thread that dies waits no more', async () => {
  const { one, other, ports } = two();
  const leader = one.enter('one-1');
  other.enter('other-1');
  await new Promise((resolve) => setTimeout(resolve, 20));
  leader.leave();
  ports[1]?.close();
  await eventually(() => one.sent[0]?.isAbandoned || undefined);
});
