import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Operation } from '../protocols/types.ts';
import { createRemembered } from '../std/remembered.ts';
import type { GateKeys } from './keys.ts';
import { passesRememberedMax, passMarginMs } from './limits.ts';
import { issuePermit, type Permit } from './permit.ts';

/**
 * Passes: a permit's sealed text, by which another process or thread of ours that carries the call comes by the permit again. What the
 * carrying needs stands in it, and no more: of the caller the id alone, no assertion, no limits (they were counted before).
 */
export interface Passes {
  /** Letters, digits, `-`, `_` and one `.`. Good for as long as the permit may be kept, and for what a call takes to be handed over. */
  seal(permit: Permit, nowMs: number): string;
  /** Undefined: forged, altered, ended, or of an access that is not among `epochs`. */
  redeem(text: string, given: Redeeming): Permit | undefined;
}

export interface Redeeming {
  readonly nowMs: number;
  /** Those of which a call may still be on its way. */
  readonly epochs: readonly string[];
}

/** First of all that a pass says. Counts up when the rest is written in another way. */
const form = 1;

type Said = readonly [
  form: number,
  epoch: string,
  untilMs: number,
  keepUntilMs: number,
  callerId: string | null,
  rule: readonly [index: number, name: string, file: string, line: number],
  upstreamPath: string,
  version: string | null,
  operation: SaidOperation,
];

type SaidOperation = readonly [
  protocol: Operation['protocol'],
  service: string,
  name: string,
  action: string,
  resource: readonly string[],
  isGrpc: 0 | 1,
  isSafe: 0 | 1,
  model: string | null,
  version: string | null,
  label: string | null,
  versionName: string | null,
  versionBy: NonNullable<Operation['versionBy']> | null,
];

/** Passes of one environment. Every gate over one state folder seals, and redeems, the same. */
export function createPasses({ keys, environment }: { readonly keys: GateKeys; readonly environment: string }): Passes {
  const key = new Uint8Array(hkdfSync('sha256', keys.idKey.reveal(), '', `headgate pass ${environment}`, 32));
  const macOf = (payload: string): string => createHmac('sha256', key).update(payload).digest('base64url');
  // The same text comes with each call that a kept decision answers.
  const known = createRemembered<{ readonly permit: Permit; readonly untilMs: number }>(passesRememberedMax);
  return {
    seal(permit, nowMs) {
      const payload = Buffer.from(JSON.stringify(said(permit, nowMs))).toString('base64url');
      return `${payload}.${macOf(payload)}`;
    },
    redeem(text, { nowMs, epochs }) {
      const redeemed = known.get(text) ?? open(text, macOf);
      if (redeemed === undefined || redeemed.untilMs <= nowMs) return undefined;
      if (!epochs.includes(redeemed.permit.fields.epoch)) return undefined;
      known.set(text, redeemed);
      return redeemed.permit;
    },
  };
}

function said({ fields }: Permit, nowMs: number): Said {
  const { epoch, keepUntilMs, callerId, rule, upstreamPath, version, operation } = fields;
  const { protocol, service, name, action, resource, grpc, safe, model, label, versionName, versionBy } = operation;
  const asked = [model ?? null, operation.version ?? null, label ?? null, versionName ?? null] as const;
  return [
    form,
    epoch,
    Math.max(keepUntilMs, nowMs) + passMarginMs,
    keepUntilMs,
    callerId ?? null,
    [rule.index, rule.name, rule.file, rule.line],
    upstreamPath,
    version ?? null,
    [protocol, service, name, action, resource, grpc === true ? 1 : 0, safe ? 1 : 0, ...asked, versionBy ?? null],
  ];
}

/** INVARIANT: nothing is read of a text before its seal was found to be ours. */
function open(text: string, macOf: (payload: string) => string): { permit: Permit; untilMs: number } | undefined {
  const dot = text.indexOf('.');
  const payload = text.slice(0, dot);
  const [mac, expected] = [Buffer.from(text.slice(dot + 1)), Buffer.from(macOf(payload))];
  if (dot < 0 || mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined;
  const words = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Said;
  if (words[0] !== form) return undefined;
  const [, epoch, untilMs, keepUntilMs, callerId, [index, name, file, line], upstreamPath, version, operation] = words;
  const permit = issuePermit({
    operation: operationOf(operation),
    ...(version !== null && { version }),
    identity: undefined,
    callerId: callerId ?? undefined,
    rule: { index, name, file, line },
    limits: [],
    upstreamPath,
    assertion: undefined,
    keepUntilMs,
    epoch,
  });
  return { permit, untilMs };
}

function operationOf(words: SaidOperation): Operation {
  const [protocol, service, name, action, resource, isGrpc, isSafe, model, version, label, versionName, by] = words;
  return {
    service,
    protocol,
    name,
    action,
    ...(isGrpc === 1 && { grpc: true }),
    resource,
    ...(model !== null && { model }),
    ...(version !== null && { version }),
    ...(label !== null && { label }),
    ...(versionName !== null && { versionName }),
    ...(by !== null && { versionBy: by }),
    safe: isSafe === 1,
  };
}
