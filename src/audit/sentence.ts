import type { DenialReason } from '../gate/denials.ts';
import { grpcStatusNames } from '../std/grpc-status.ts';
import { keyActText } from './key-line.ts';
import type { AuditCore, AuditEvent, ChainEvent, OpenedEvent } from './types.ts';
import { unrecordedText } from './unrecorded.ts';

export interface SentenceOptions {
  /** Times in the machine's zone, not in UTC. */
  readonly local?: boolean;
  /** The date before the time. */
  readonly date?: boolean;
}

/**
 * One event as a sentence on one line:
 * `10:02:11.123 alice (staff) predicted with finance-prod: allowed by "…" (headgate.yaml:31), 200 in 4.1 ms`.
 * Whatever a caller chose (subject, path, method) is escaped: no text of theirs can end a line or move a terminal's cursor.
 */
export function sentence(event: ChainEvent, options: SentenceOptions = {}): string {
  const time = timeText(event.timeMs, options);
  if (event.kind === 'unreadable') {
    return `${time} a line of ${shown(event.spool)} could not be read (${words(event.fault)}): ${quoted(event.text)}`;
  }
  if (event.kind === 'unrecorded') return `${time} ${words(unrecordedText(event))}`;
  if (event.kind === 'key') return `${time} ${words(keyActText(event))}`;
  if (event.kind === 'opened') {
    return `${time} ${who(event)} opened ${target(event.core)}: allowed by ${ruleText(event.core)}, request ${shown(event.requestId)}`;
  }
  return `${time} ${who(event)} ${what(event)}: ${outcome(event)}`;
}

function timeText(timeMs: number, { local = false, date = false }: SentenceOptions): string {
  const offsetMs = local ? new Date(timeMs).getTimezoneOffset() * 60_000 : 0;
  const iso = new Date(timeMs - offsetMs).toISOString();
  return date ? `${iso.slice(0, 10)} ${iso.slice(11, 23)}` : iso.slice(11, 23);
}

function who({ core, address }: AuditEvent | OpenedEvent): string {
  const { caller } = core;
  if (caller === null) return `someone unknown at ${shown(address)}`;
  const machine = caller.client === null ? '' : `, client ${shown(caller.client)}`;
  const direct = `${shown(caller.subject)} (${shown(caller.identity)}${machine})`;
  const [origin, ...hops] = caller.chain ?? [];
  if (origin === undefined) return direct;
  return `${shown(origin.subject)} by way of ${[...hops.map(({ subject }) => shown(subject)), direct].join(' and ')}`;
}

/** What each operation is called when it was done, and when it was refused. Others are named as they are. */
const verbs: Readonly<Record<string, readonly [done: string, wanted: string]>> = {
  predict: ['predicted with', 'predict with'],
  classify: ['classified with', 'classify with'],
  regress: ['regressed with', 'regress with'],
  status: ['asked for the status of', 'ask for the status of'],
  metadata: ['asked for the metadata of', 'ask for the metadata of'],
  'multi-inference': ['ran several inferences with', 'run several inferences with'],
  reflect: ['asked for the methods of', 'ask for the methods of'],
  health: ['asked for the health of', 'ask for the health of'],
  'reload-config': ['reloaded the configuration of', 'reload the configuration of'],
};

/** What was called: `acme.orders.v1.Orders/Watch of orders`, or the service. */
function target({ service, resource }: Pick<AuditCore, 'service' | 'resource'>): string {
  const name = shown(service ?? '');
  const isWithin = resource !== null && service !== null && resource.startsWith(`${service}/`);
  return isWithin ? `${shown(resource.slice(service.length + 1))} of ${name}` : shown(resource ?? service ?? '');
}

/** Let through, and under way for a while, even if it was ended then. */
function wasOpen({ core, timing }: AuditEvent): boolean {
  const { outcome, reason, operation, rule } = core;
  if (outcome === 'allow' || endings.has(reason)) return true;
  if (operation !== 'call' || rule === null || !failures.has(reason)) return false;
  return timing.totalMs >= openMsMin || (timing.messagesOut ?? 0) > 0;
}

/** Why a call that was open was ended by policy. */
const endings: ReadonlySet<AuditCore['reason']> = new Set(['access-ended', 'credential-ended']);
/** A gRPC call that failed after so long, or after a message of its answer, was under way. */
const openMsMin = 2000;

function what(event: AuditEvent): string {
  const { core } = event;
  const { operation, model, resource, service } = core;
  if (operation === null) return `called ${shown(core.method)} ${shown(core.path)}`;
  if (operation === 'call') return `${wasOpen(event) ? 'called' : 'wanted to call'} ${target(core)}`;
  const [done, wanted] = verbs[operation] ?? [`called ${shown(operation)} on`, `call ${shown(operation)} on`];
  const at = shown(model ?? resource ?? service ?? core.path) + versionText(core);
  return wasOpen(event) ? `${done} ${at}` : `wanted to ${wanted} ${at}`;
}

/** An event of before versions had names holds none. */
function versionText({ version, versionName = null }: Pick<AuditCore, 'version'> & Partial<AuditCore>): string {
  if (version === null) return '';
  return ` version ${shown(version)}${versionName === null ? '' : ` (${shown(versionName)})`}`;
}

function outcome(event: AuditEvent): string {
  const { core, timing } = event;
  const left = core.operation === 'call' ? callLeft : 'the caller left before the answer';
  const status = core.status === 0 ? left : statusText({ core, timing });
  const waited = timing.queueMs === undefined ? '' : `, ${milliseconds(timing.queueMs)} ms of it waiting`;
  const shared = timing.leader === undefined ? '' : `, with the answer to ${shown(timing.leader)}`;
  if (core.outcome === 'deny' && wasOpen(event)) {
    return `allowed by ${ruleText(core)}, ended after ${took(timing.totalMs)} (${status})${messages(timing)}: ${whyText(core)}`;
  }
  const all = `${status === callLeft ? 'after' : 'in'} ${took(timing.totalMs)}${waited}${shared}${messages(timing)}`;
  const fault = core.reason === 'rule-allows' ? '' : `: ${whyText(core)}`;
  if (core.outcome === 'allow') return `allowed by ${ruleText(core)}, ${status} ${all}${fault}`;
  const end = failures.has(core.reason) ? 'failed' : 'refused';
  return `${end} (${status}): ${whyText(core)}`;
}

const callLeft = 'the caller left';

/** Of a gRPC call the status that says how it went, where the engine knows it. */
function statusText({ core, timing }: Pick<AuditEvent, 'core' | 'timing'>): string {
  const grpcStatus = core.grpcStatus ?? timing.grpcStatus;
  if (grpcStatus === undefined) return String(core.status);
  const name = grpcStatusNames[grpcStatus];
  return name === undefined ? `gRPC ${grpcStatus}` : `gRPC ${grpcStatus} ${name}`;
}

function ruleText({ rule, ruleAt }: Pick<AuditCore, 'rule' | 'ruleAt'>): string {
  const at = ruleAt === null ? '' : ` (${shown(ruleAt)})`;
  return rule === null ? `a rule${at}` : `${quoted(rule)}${at}`;
}

/** Nobody refused these: the call was allowed, or could not be decided. */
const failures: ReadonlySet<AuditCore['reason']> = new Set([
  'request-timeout',
  'gate-fault',
  'gate-unavailable',
  'identity-unavailable',
  'audit-unavailable',
  'gateway-draining',
  'upstream-unavailable',
  'upstream-malformed',
  'upstream-timeout',
  'queue-full',
  'queue-timeout',
  'deadline-exceeded',
]);

/** Why, in the operator's words; the client reads the denial table's own sentence. */
export function whyText(core: Pick<AuditCore, 'reason' | 'rule' | 'ruleAt'>): string {
  const { reason } = core;
  if (reason === 'rule-denies') return `denied by ${ruleText(core)}`;
  if (reason === 'limit-exceeded') return `the rate limit of ${ruleText(core)} is used up`;
  if (reason === 'rule-allows') return 'no reason was recorded';
  // A reason that a later version wrote is shown as it is.
  return whys[reason] ?? shown(reason);
}

const whys: Readonly<Record<Exclude<DenialReason, 'rule-denies' | 'limit-exceeded'>, string>> = {
  'no-rule-allows': 'no rule allows it',
  'resource-unknown': 'the policy does not know this resource',
  'version-unknown': 'no version of the model has this label',
  'operation-unknown': 'no operation of the service is at this path',
  'method-unknown': 'the service has no such method',
  'route-unknown': 'no route leads there',
  'not-grpc': 'the service is called with gRPC, and it is no gRPC call',
  'access-ended': 'no rule lets it through any longer',
  'credential-ended': 'its credential has expired or was revoked',
  'method-not-allowed': 'the operation at this path is called with another method',
  'path-not-canonical': 'the path can be read in two ways',
  'request-malformed': 'the request is not well-formed HTTP',
  'message-malformed': 'its message is not one well-formed message that names a model',
  'message-ambiguous': 'its message names the model or the version in two ways',
  'message-compressed': 'its message is compressed',
  'credential-missing': 'it carries no credential, and no rule lets anyone in',
  'credential-ambiguous': 'it carries more than one credential',
  'credential-malformed': 'its credential is not a well-formed token',
  'credential-algorithm': 'its token is signed with an algorithm that is not accepted',
  'credential-type': 'its token is of a type that is not accepted',
  'credential-issuer': 'its token comes from an issuer that is not accepted',
  'credential-signature': "its token's signature does not verify",
  'credential-audience': 'its token is meant for another audience',
  'credential-expired': 'its token has expired',
  'credential-not-yet-valid': 'its token is not valid yet',
  'credential-unknown': 'its API key is not known, or was revoked',
  'credential-flood': 'too many failed credentials came from this address',
  'assertion-ambiguous': 'it carries more than one assertion of who it is made for',
  'assertion-malformed': 'its assertion is not well-formed, or too long',
  'assertion-issuer': 'its assertion comes from a gateway that is not believed',
  'assertion-signature': "its assertion's signature does not verify",
  'assertion-expired': 'its assertion has expired, or is not valid yet',
  'assertion-audience': 'its assertion was made for a service that may not call on',
  'assertion-presenter': 'the caller is not the service that its assertion was made for',
  'chain-broken': "its earlier assertions don't belong to the newest",
  'chain-loop': 'it has been at this service already',
  'chain-too-long': 'it has come by way of more services than are accepted',
  'request-timeout': 'the request did not arrive in time',
  'length-required': 'its body has no declared length and is too large to be held',
  'body-too-large': 'its body is too large',
  'target-too-long': 'its target is too long',
  'header-too-large': 'its header fields are too large',
  'gate-fault': 'the gate failed on it',
  'gate-unavailable': 'the gate could not be asked',
  'identity-unavailable': "the identity provider's keys could not be had",
  'audit-unavailable': 'it could not have been recorded',
  'gateway-draining': 'the time of its connection was over',
  'upstream-unavailable': 'no replica could be reached',
  'upstream-malformed': 'the replica answered with malformed HTTP, or broke off',
  'upstream-timeout': 'the replica did not answer in time',
  'queue-full': 'as many calls waited as may',
  'queue-timeout': 'it waited for as long as a call may',
  'deadline-exceeded': 'it was not done within its deadline',
};

/** `4.1 ms`, `12.3 s`, `2 h 3 min` */
function took(totalMs: number): string {
  if (totalMs < 10_000) return `${milliseconds(totalMs)} ms`;
  if (totalMs < 60_000) return `${(totalMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(totalMs / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Of a stream: what went each way. One message each way is any other call. */
function messages({ messagesIn: into, messagesOut: out }: AuditEvent['timing']): string {
  if (into === undefined || out === undefined || (into <= 1 && out <= 1)) return '';
  return `, ${into} ${into === 1 ? 'message' : 'messages'} in and ${out} out`;
}

function milliseconds(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/**
 * A caller's text within a sentence: what is not a visible character of one meaning is written as an escape (C0 and C1
 * controls, separators, directions, soft and zero-width characters, surrogates), and so is a space, which could feign words.
 */
function shown(text: string): string {
  const safe = text.replace(/[\p{C}\p{Z}\\"]/gu, escaped);
  return safe === '' ? '""' : safe;
}

/** The same in quotes; plain spaces stand. */
function quoted(text: string): string {
  return `"${words(text)}"`;
}

/** The same for words that are not a caller's; plain spaces stand. */
function words(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\\"]|(?! )\p{Zs}/gu, escaped);
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
