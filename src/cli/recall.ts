import type { AuditEvent, OpenedEvent } from '../audit/index.ts';
import {
  createDecider,
  type Explanation,
  type QueueFacts,
  type RequestFacts,
  type RuleExplanation,
} from '../decision/index.ts';
import type { Identity } from '../identity/types.ts';
import { keyIssuer, relayedHeaders } from '../plan/index.ts';
import type { Plan } from '../plan/types.ts';
import type { Operation } from '../protocols/index.ts';

/** What a person adds to what the audit keeps of a call. */
export interface Added {
  /** Groups in the caller's token; undefined: not known. */
  readonly groups: readonly string[] | undefined;
  /** Name, value, name, value… */
  readonly headers: readonly string[];
  /** What the queue held; undefined: not known. */
  readonly queue?: QueueFacts | undefined;
}

/** Ended, or told of as open. */
export type RecordedCall = AuditEvent | OpenedEvent;

/** A recorded call held against the policy in force now. */
export interface Recalled {
  readonly operation: Operation;
  readonly explanation: Explanation;
  /** Rules that match or don't by what groups the caller's token carries; by index. Of others only what they surely lack is told. */
  readonly dependsOnGroups: ReadonlySet<number>;
  /** Headers that conditions of the service read: the audit keeps none. */
  readonly unknownHeaders: readonly string[];
  /** Conditions of the service read a queue: the audit doesn't keep what it held. */
  readonly isQueueUnknown: boolean;
}

/**
 * Asks the decider about a call of the audit. Undefined where no rule was ever asked: the call meant nothing, or its credential
 * was refused. The audit keeps neither a token's groups nor header fields; what hangs on them is told apart.
 */
export function recall(plan: Plan, event: RecordedCall, added: Added): Recalled | undefined {
  const operation = operationOf(plan, event);
  const { reason } = event.core;
  const unasked = reason === 'identity-unavailable' || reason === 'version-unknown';
  const unproven = /^(credential|assertion|chain)-/.test(reason) && !proven.has(reason);
  if (operation === undefined || unproven || unasked) return undefined;
  const facts = factsOf(event, added);
  const decider = createDecider(plan.access);
  const held = (groups: readonly string[]) => decider.explain(operation, identityOf(event, groups), facts);
  const least = held(added.groups ?? []);
  const greatest = added.groups === undefined ? held(groupsRead(plan)) : least;
  // What no rule allowed, under this very policy, no rule matched: of one that would with a group and asks for nothing that the
  // audit doesn't keep, the caller had none.
  const settled = plan.epoch === event.core.epoch && reason === 'no-rule-allows';
  const dependsOnGroups = new Set<number>();
  const rules = least.rules.map((each, at): RuleExplanation => {
    const most = greatest.rules[at] ?? each;
    if (each.matches === most.matches)
      return { ...each, lacks: each.lacks.filter((lack) => most.lacks.includes(lack)) };
    const isSettled = settled && each.effect === 'allow' && plan.access.rules[each.rule.index]?.when === undefined;
    if (!isSettled) dependsOnGroups.add(each.rule.index);
    return each;
  });
  const given = new Set(added.headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()));
  const reads = plan.access.reads[operation.service];
  const isQueueUnknown = reads?.queue === true && added.queue === undefined;
  const explanation = { decision: least.decision, rules };
  const known = new Set<string>([...given, ...(plan.access.relays === undefined ? [] : relayedHeaders)]);
  const unknownHeaders = (reads?.headers ?? []).filter((name) => !known.has(name));
  return { operation, explanation, dependsOnGroups, unknownHeaders, isQueueUnknown };
}

/** A credential that was good when the call came, and none at all. */
const proven: ReadonlySet<string> = new Set(['credential-missing', 'credential-ended']);

function operationOf({ access }: Plan, { core }: AuditEvent | OpenedEvent): Operation | undefined {
  const { service, operation, action, resource, model, version } = core;
  // An event of before versions had names holds none.
  const versionName: string | null | undefined = core.versionName;
  const protocol = access.services.find(({ name }) => name === service)?.protocol;
  if (service === null || operation === null || action === null || protocol === undefined) return undefined;
  return {
    service,
    protocol,
    name: operation,
    action,
    resource: (resource ?? service).split('/').slice(1),
    ...(model !== null && { model }),
    ...(version !== null && { version }),
    ...(typeof versionName === 'string' && { versionName }),
    safe: false,
  };
}

function factsOf({ core, address, timeMs }: RecordedCall, { headers, queue }: Added): RequestFacts {
  const facts = {
    listener: core.listener,
    method: core.method,
    path: core.path,
    host: '',
    address,
    nowMs: timeMs,
    queue,
    ...originOf(core),
    header(name: string) {
      const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
      return at < 0 ? undefined : headers[at + 1];
    },
  };
  return facts;
}

/** The audit keeps neither the groups of who a call was made for, nor by which identity they were known. */
function originOf({ caller }: Pick<AuditEvent['core'], 'caller'>): Pick<RequestFacts, 'origin'> {
  const [first] = caller?.chain ?? [];
  return first === undefined
    ? {}
    : { origin: { provider: '', groups: [], issuer: first.issuer, subject: first.subject } };
}

function identityOf({ core, timeMs }: RecordedCall, groups: readonly string[]): Identity | undefined {
  const { caller } = core;
  if (caller === null) return undefined;
  return {
    provider: caller.identity,
    kind: caller.issuer === keyIssuer ? 'apiKey' : 'oidc',
    issuer: caller.issuer,
    subject: caller.subject,
    id: caller.id,
    groups: [...new Set(groups)].sort(),
    ...(caller.client !== null && { client: caller.client }),
    expiresAtMs: timeMs,
  };
}

function groupsRead({ access }: Plan): string[] {
  return access.groups.flatMap(({ anyOf }) => anyOf.flatMap(({ allOf }) => allOf.flatMap((term) => term.group ?? [])));
}
