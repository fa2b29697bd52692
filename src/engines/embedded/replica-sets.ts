import type { Operation } from '../../protocols/types.ts';
import { better, choose, pointOfText } from '../../traffic/index.ts';
import type { Group, Member, Members } from './members.ts';

/** What calls are spread over. */
export interface Target {
  /** Where it is reached: `127.0.0.1:8501`. */
  readonly name: string;
  readonly member: Member;
  /** Of this thread, by this protocol. */
  readonly inFlight: number;
  readonly inFlightMax: number;
  /** Calls in flight go on to their end. */
  close(): void;
}

/** What of a call says where it may go. */
export interface Wanted {
  readonly operation: Pick<Operation, 'service' | 'model' | 'version'>;
  /** Names and values, in turn: the sequence stands there. */
  readonly rawFields: readonly string[];
}

interface ReplicaSet<T> {
  readonly group: Group;
  readonly replicas: readonly T[];
}

/** The replicas of every service, as one protocol reaches them. */
export class ReplicaSets<T extends Target> {
  readonly #members: Members;
  readonly #make: (member: Member) => T | undefined;
  readonly #nameOf: (member: Member) => string | undefined;
  #sets: ReadonlyMap<string, ReplicaSet<T>> = new Map();
  #turn = 0;

  /** `nameOf`: undefined where the replica has no address of this protocol. `make` dials nothing yet. */
  constructor(
    members: Members,
    nameOf: (member: Member) => string | undefined,
    make: (member: Member) => T | undefined,
  ) {
    this.#members = members;
    this.#nameOf = nameOf;
    this.#make = make;
  }

  /** Takes up what the members are now; replicas that stay keep their connections, those that go end with their last call. */
  refresh(): void {
    const before = new Map(
      [...this.#sets.values()].flatMap(({ replicas }) => replicas.map((each) => [each.member, each])),
    );
    const remade = (member: Member): T | undefined => {
      const known = before.get(member);
      return known !== undefined && known.name === this.#nameOf(member) ? known : this.#make(member);
    };
    this.#sets = new Map(
      [...this.#members.groups].map(([service, group]) => {
        return [service, { group, replicas: group.members.map(remade).filter((each) => each !== undefined) }];
      }),
    );
    const staying = new Set([...this.#sets.values()].flatMap(({ replicas }) => replicas));
    for (const replica of before.values()) if (!staying.has(replica)) replica.close();
  }

  /**
   * The replica for a call: of those that are up, have its model and were not tried yet. One that is passed over is better than
   * none; undefined: there is none.
   */
  pick({ operation, rawFields }: Wanted, tried: readonly T[]): T | undefined {
    const set = this.#sets.get(operation.service);
    if (set === undefined) return undefined;
    this.#turn = (this.#turn + 1) % 0x3fff_ffff;
    const { group, replicas } = set;
    const sequence = sequenceOf(group, operation, rawFields);
    const isOffered = (replica: T): boolean =>
      replica.member.isUp &&
      replica.inFlight < replica.inFlightMax &&
      (tried.length === 0 || !tried.includes(replica)) &&
      (!group.isPartial || hasModel(group, replica.member, operation));
    const { well, due, ejected } = choose(replicas, { isOffered, turn: this.#turn, sequence });
    if (due === undefined && ejected === undefined) return well;
    const isTried = sequence === undefined || well === undefined || (due && better(well, due, sequence)) === due;
    if (due !== undefined && isTried && due.member.claim()) return due;
    if (well !== undefined) return well;
    const last = due === undefined || ejected === undefined ? (due ?? ejected) : better(due, ejected, sequence);
    last?.member.risk();
    return last;
  }

  close(): void {
    for (const { replicas } of this.#sets.values()) for (const replica of replicas) replica.close();
    this.#sets = new Map();
  }
}

/** Of a model that keeps a sequence: the point of the call's. A call that names none is balanced as any other. */
function sequenceOf(group: Group, { model }: Wanted['operation'], rawFields: readonly string[]): number | undefined {
  const field = model === undefined ? undefined : group.sequenceField(model);
  if (field === undefined) return undefined;
  const values: string[] = [];
  for (let at = 0; at < rawFields.length; at += 2) {
    if ((rawFields[at] as string).toLowerCase() === field) values.push(rawFields[at + 1] as string);
  }
  const value = values.join();
  return value === '' ? undefined : pointOfText(value);
}

/** A call of a model with named versions that chose none needs any of these. */
function hasModel(group: Group, { lacks }: Member, { model, version }: Wanted['operation']): boolean {
  if (model === undefined || lacks.size === 0) return true;
  const numbers = group.versionsOf(model);
  if (numbers === undefined) return !lacks.has(model);
  if (version !== undefined) return !lacks.has(`${model}/${version}`);
  return numbers.some((number) => !lacks.has(`${model}/${number}`));
}
