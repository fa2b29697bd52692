import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditRecord, type AuditWriter, startAuditWriter } from '../../../src/audit/index.ts';
import { runAssisted } from '../../../src/control/index.ts';
import { embedded } from '../../../src/engines/embedded/index.ts';
import type { Engine, EngineStatus } from '../../../src/engines/engine.ts';
import { haproxy } from '../../../src/engines/haproxy/index.ts';

import type { EngineName, Plan } from '../../../src/plan/types.ts';
import { systemClock } from '../../../src/std/clock.ts';
import { type KeySpec, makeKeys } from './keys.ts';
import { type Bindings, compileTexts, environmentText } from './texts.ts';

export const engines: Readonly<Record<EngineName, Engine>> = { embedded, haproxy };

/** One engine under test, enforcing one policy after another, with its audit. */
export interface Gateway {
  readonly engine: EngineName;
  readonly port: number;
  /** Of the listener `internal`, which is like the public one. */
  readonly internalPort: number;
  /** Of the listener `secure`; 0 where there is none. */
  readonly securePort: number;
  /** Its state folder, with its keys. */
  readonly folder: string;
  /** Texts of the API keys it was given, by their labels. */
  readonly keys: ReadonlyMap<string, string>;
  plan(): Plan;
  /** Takes up another policy: a new epoch, no reload. */
  swap(policyText: string): Promise<void>;
  revoke(ids: readonly string[]): Promise<void>;
  status(): Promise<EngineStatus>;
  /** The audit records of these request ids, once all are chained. Rejects after 5 s with those that are missing. */
  records(ids: readonly string[]): Promise<AuditRecord[]>;
  /** How many calls have been chained. */
  recordCount(): number;
  /** Records from the one with this number (counted from 1) on, once it is chained. */
  recordsFrom(number: number): Promise<AuditRecord[]>;
  stop(): Promise<void>;
}

/** A change to what an engine is given, for planting defects. */
export type PlanChange = (plan: Plan) => Plan;

export interface GatewayOptions {
  readonly change?: PlanChange;
  /** State folder whose keys it gets, so that it gives the same ids. */
  readonly keysOf?: string;
  /** API keys that are there when it starts. */
  readonly keys?: Readonly<Record<string, KeySpec>>;
}

export async function startGateway(
  name: EngineName,
  policyText: string,
  bindings: Bindings,
  { change = (plan) => plan, keysOf, keys: specs = {} }: GatewayOptions = {},
): Promise<Gateway> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hg-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  if (keysOf !== undefined) await cp(join(keysOf, 'keys'), join(folder, 'keys'), { recursive: true });
  const planOf = (text: string): Plan => change(compileTexts(text, environmentText(name, bindings, folder)));
  const keys = makeKeys(folder, specs);
  let plan = planOf(policyText);
  const context = { plan, clock: systemClock, log: () => {} };
  // The engine ends before its writer, which reads what it still had to say.
  let writer: AuditWriter | undefined;
  undo.defer(() => writer?.stop());
  const running = undo.adopt(await runAssisted(engines[name], context), (it) => it.stop(2000));
  const chained = new Map<string, AuditRecord>();
  writer = await startAuditWriter({
    spoolDirectory: join(folder, 'spool'),
    directory: join(folder, 'audit'),
    parse: running.parseSpool,
    onCalls: (calls) => {
      for (let call = 0; call < calls.count; call += 1) {
        const record = calls.record(call);
        chained.set(chained.has(record.requestId) ? `${record.worker} ${record.sequence}` : record.requestId, record);
      }
    },
    clock: systemClock,
    log: () => {},
    bounds: { pollMs: 5 },
  });
  const kept = undo.move();
  return {
    engine: name,
    folder,
    keys,
    port: running.addresses.public?.port ?? 0,
    internalPort: running.addresses.internal?.port ?? 0,
    securePort: running.addresses.secure?.port ?? 0,
    plan: () => plan,
    swap: async (text) => {
      plan = planOf(text);
      await running.swap(plan);
    },
    revoke: (ids) => running.revoke(ids),
    status: () => running.status(),
    records: (ids) => eventually(() => recordsOf(chained, ids)),
    recordCount: () => chained.size,
    recordsFrom: (number) =>
      eventually(() => (chained.size < number ? `no audit record ${number}` : [...chained.values()].slice(number - 1))),
    stop: () => kept.disposeAsync(),
  };
}

function recordsOf(chained: ReadonlyMap<string, AuditRecord>, ids: readonly string[]): AuditRecord[] | string {
  const missing = ids.filter((id) => !chained.has(id));
  if (missing.length > 0)
    return `no audit record of ${missing.slice(0, 5).join(', ')} (${missing.length} of ${ids.length})`;
  return ids.flatMap((id) => chained.get(id) ?? []);
}

/** Polls until there is a value; a string is why there is none yet. */
export async function eventually<T>(
  look: () => T | string | Promise<T | string>,
  withinMs = 5000,
): Promise<Exclude<T, string>> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (typeof found !== 'string') return found as Exclude<T, string>;
    if (Date.now() > endMs) throw new Error(found);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
