import { lookup, Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../std/clock.ts';
import { systemCode } from './fault.ts';

/** Addresses of one name that are used at most; the rest is left out, and said. */
export const addressesMax = 256;
/** An answer is asked for again when its time to live is over, but not sooner or later than this. */
const ttlMsMin = 1000;
const ttlMsMax = 300_000;
/** What `/etc/hosts` and the like say has no time to live. */
const lookupTtlMs = 5000;
const lookupMsMax = 3000;
/** After a fault; twice as long each time. */
const faultPauseMs = 1000;
const faultPauseMsMax = 30_000;
/** One question to one server, and how often it is put. */
const questionMs = 2000;
const questionsMax = 2;

/** What is known of a name. */
export interface NameStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Why it can't be resolved now: the addresses are those from before. */
  readonly fault?: string;
  /** ISO 8601; of the fault. */
  readonly since?: string;
}

export interface NamesOptions {
  /** `127.0.0.1:5353`; those of the machine unless given. */
  readonly servers?: readonly string[];
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Another set of addresses. */
  readonly onChange: (name: string) => void;
}

interface Name {
  readonly name: string;
  readonly ending: AbortController;
  readonly looked: Promise<void>;
  addresses: readonly string[];
  fault: string | undefined;
  faultMs: number;
}

/** Addresses of names, resolved again and again. A name that can't be resolved keeps the addresses that it had. */
export class Names {
  readonly #options: NamesOptions;
  readonly #resolver = new Resolver({ timeout: questionMs, tries: questionsMax });
  readonly #names = new Map<string, Name>();

  constructor(options: NamesOptions) {
    this.#options = options;
    if (options.servers !== undefined) this.#resolver.setServers(options.servers);
  }

  /** These from now on. Resolves when each has been looked up once, whatever came of it. */
  async watch(wanted: ReadonlySet<string>): Promise<void> {
    for (const [name, { ending }] of this.#names) {
      if (wanted.has(name)) continue;
      ending.abort();
      this.#names.delete(name);
    }
    for (const name of wanted) if (!this.#names.has(name)) this.#begin(name);
    await Promise.all([...this.#names.values()].map(({ looked }) => looked));
  }

  addressesOf(name: string): readonly string[] {
    return this.#names.get(name)?.addresses ?? [];
  }

  status(): NameStatus[] {
    return [...this.#names.values()].map(({ name, addresses, fault, faultMs }) => ({
      name,
      addresses,
      ...(fault !== undefined && { fault, since: new Date(faultMs).toISOString() }),
    }));
  }

  stop(): void {
    for (const { ending } of this.#names.values()) ending.abort();
    this.#names.clear();
    this.#resolver.cancel();
  }

  #begin(text: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ending = new AbortController();
    const name: Name = { name: text, ending, looked: promise, addresses: [], fault: undefined, faultMs: 0 };
    this.#names.set(text, name);
    void this.#follow(name, resolve);
  }

  async #follow(name: Name, looked: () => void): Promise<void> {
    const { signal } = name.ending;
    let faultMs = faultPauseMs;
    while (!signal.aborted) {
      const answer = await ask(this.#resolver, name);
      if (signal.aborted) break;
      let pauseMs = faultMs;
      if ('fault' in answer) {
        this.#failed(name, answer.fault);
        faultMs = Math.min(faultMs * 2, faultPauseMsMax);
      } else {
        this.#answered(name, answer.addresses);
        pauseMs = Math.min(Math.max(answer.ttlMs, ttlMsMin), ttlMsMax);
        faultMs = faultPauseMs;
      }
      looked();
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    looked();
  }

  #answered(name: Name, found: readonly string[]): void {
    const { log, onChange } = this.#options;
    const addresses = [...new Set(found)].toSorted().slice(0, addressesMax);
    if (name.fault !== undefined) log(`the name ${name.name} can be resolved again`);
    name.fault = undefined;
    if (addresses.join() === name.addresses.join()) return;
    if (found.length > addressesMax)
      log(`the name ${name.name} has more than ${addressesMax} addresses: the rest is left out`);
    name.addresses = addresses;
    onChange(name.name);
  }

  #failed(name: Name, fault: string): void {
    const { log, clock } = this.#options;
    if (name.fault === undefined) {
      name.faultMs = clock.now();
      const kept = name.addresses.length === 0 ? 'it has no replicas' : 'its last addresses stay in use';
      log(`the name ${name.name} can not be resolved (${fault}): ${kept}`);
    }
    name.fault = fault;
  }
}

type Answer = { readonly addresses: readonly string[]; readonly ttlMs: number } | { readonly fault: string };
type Family =
  | { readonly records: readonly { readonly address: string; readonly ttl: number }[] }
  | { readonly code: string };

/** Asks for both kinds of address; where DNS knows none, whatever the machine knows by other means. */
async function ask(resolver: Resolver, { name, addresses: before }: Name): Promise<Answer> {
  const [four, six] = await Promise.all([
    resolver.resolve4(name, { ttl: true }).then(recordsOf, codeOf),
    resolver.resolve6(name, { ttl: true }).then(recordsOf, codeOf),
  ]);
  const records = [four, six].flatMap((family) => ('records' in family ? family.records : []));
  if (records.length === 0) return other(name, 'code' in four ? four.code : 'ENODATA');
  // One kind that can't be had just now doesn't take its addresses away.
  const kept = [
    ...(isFault(four) ? before.filter((address) => !address.includes(':')) : []),
    ...(isFault(six) ? before.filter((address) => address.includes(':')) : []),
  ];
  const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000;
  return { addresses: [...records.map(({ address }) => address), ...kept], ttlMs };
}

/** `/etc/hosts`, and search domains. */
async function other(name: string, code: string): Promise<Answer> {
  const late = sleep(lookupMsMax, undefined, { ref: false }).then(() => []);
  const found = await Promise.race([lookup(name, { all: true }).catch(() => []), late]);
  if (found.length === 0) return { fault: code };
  return { addresses: found.map(({ address }) => address), ttlMs: lookupTtlMs };
}

function recordsOf(records: readonly { address: string; ttl: number }[]): Family {
  return { records };
}

function codeOf(fault: unknown): Family {
  return { code: systemCode(fault) ?? 'EUNKNOWN' };
}

/** There being none is an answer. */
function isFault(family: Family): boolean {
  return 'code' in family && family.code !== 'ENODATA' && family.code !== 'ENOTFOUND';
}
