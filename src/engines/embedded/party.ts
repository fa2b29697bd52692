import type { Load, Passenger, Underway } from './carried.ts';
import type { Failure, Landing } from './peers.ts';
import { answerWith } from './shared-answer.ts';

/** What flights ask of the thread's. */
export interface Airport {
  /** It is over: who asks the same from now on makes another. */
  over(party: Party): void;
  /** These look for a leader anew, or lead. */
  again(members: readonly Member[]): void;
  /** This one makes a call of its own. */
  alone(member: Member): void;
  /** This one was answered with another's answer. */
  shared(member: Member): void;
}

/** One call among those that wait for the same answer. */
export class Member implements Underway {
  readonly call: Passenger;
  readonly load: Load;
  readonly key: Buffer;
  readonly name: string;
  party: Party | undefined;
  /** How its leader's call went that failed. */
  failure: Failure | undefined;
  /** Leaders of it that have failed. */
  failures = 0;
  /** Times that it has looked for a leader. */
  entries = 0;

  constructor(call: Passenger, load: Load, key: Buffer) {
    this.call = call;
    this.load = load;
    this.key = key;
    this.name = key.toString('base64');
  }

  get hasBegun(): boolean {
    return this.party?.heir === this;
  }

  get bytesOut(): number {
    return this.hasBegun ? (this.party?.bytesOut ?? 0) : 0;
  }

  get endpoint(): string | undefined {
    return this.failure?.endpoint ?? this.party?.endpoint;
  }

  get tries(): number | undefined {
    return this.party?.leader === this ? this.party.tries : undefined;
  }

  abandon(): void {
    this.party?.leave(this);
  }

  breakOff(): void {
    if (this.hasBegun) this.party?.breakOff();
  }

  /** That somebody waits too long who came later says nothing of the replica. */
  late(): void {
    if (this.party?.leader === this) this.party.late();
  }
}

/** Calls of this thread that wait for one answer. */
export abstract class Party {
  readonly name: string;
  readonly key: Buffer;
  /** Who gets an answer as it comes, because it is too large for all. */
  heir: Member | undefined;
  protected readonly members = new Set<Member>();

  constructor({ key, name }: Member) {
    this.key = key;
    this.name = name;
  }

  get bytesOut(): number {
    return 0;
  }

  /** Whose call to the service it is, where it is of this thread. */
  get leader(): Member | undefined {
    return undefined;
  }

  get endpoint(): string | undefined {
    return undefined;
  }

  get tries(): number | undefined {
    return undefined;
  }

  join(member: Member): void {
    this.members.add(member);
    member.party = this;
  }

  leave(member: Member): void {
    member.party = undefined;
    if (this.members.delete(member)) this.left();
  }

  breakOff(): void {}

  late(): void {}

  /** One has left. */
  protected abstract left(): void;

  protected takeAll(): Member[] {
    const all = [...this.members];
    this.members.clear();
    for (const member of all) member.party = undefined;
    return all;
  }
}

/** Answers all of them. */
export function land(members: readonly Member[], landing: Landing, airport: Airport): void {
  const { answer, leader, bytesOut, endpoint, upstreamMs, grpcStatus, tries } = landing;
  for (const member of members) {
    const { call } = member;
    const isLeader = call.requestId === leader;
    if (!isLeader) {
      call.leader = leader;
      airport.shared(member);
    }
    call.end({
      status: answer.status,
      bytesOut,
      ...(endpoint !== undefined && { endpoint }),
      ...(isLeader && upstreamMs !== undefined && { upstreamMs }),
      ...(isLeader && tries !== undefined && { tries }),
      grpcStatus,
      release: () => answerWith(answer, call.exchange, call.requestId),
    });
  }
}

/** Those for whom it was the first time try once more, together; the leader and the others are refused. */
export function fail(members: readonly Member[], failure: Failure, airport: Airport): void {
  const again: Member[] = [];
  for (const member of members) {
    if (member.failures === 0) {
      member.failures = 1;
      again.push(member);
    } else {
      member.failure = failure;
      member.call.refuse(failure.reason, failure.options);
    }
  }
  airport.again(again);
}
