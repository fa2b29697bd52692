import type { Checked } from '../diagnostics/types.ts';
import { parseCidr, printCidr } from '../std/cidr.ts';
import { parseRate } from '../std/rate.ts';
import { parseWindow, type WeeklyWindow } from '../std/weekly-window.ts';
import { celText } from './cel-text.ts';
import type { Cursor } from './cursor.ts';
import { parseFile } from './parse-file.ts';
import { carriedNode } from './parse-traffic.ts';
import { type PolicyFile, policySchema } from './schema/policy.ts';
import type {
  CallerNode,
  CallerTerm,
  CelText,
  ConditionsNode,
  FamilyNode,
  GroupNode,
  IdentityNode,
  LimitNode,
  Located,
  ModelNode,
  OwnedNode,
  Policy,
  RelayNode,
  RuleNode,
  ServiceNode,
  UnlessNode,
} from './types.ts';

type Rule = PolicyFile['rules'][number];
type Group = NonNullable<PolicyFile['groups']>[string];
type Service = PolicyFile['services'][string];

/** Text of `headgate.yaml` → Policy. Every mistake of form is in the diagnostics; the value is there when none is an error. */
export function parsePolicy(text: string, file: string): Checked<Policy> {
  return parseFile({ text, file, schema: policySchema, kind: 'policy' }, (root: Cursor<PolicyFile>) => ({
    file,
    identity: root.at('identity')?.entries().map(identityNode) ?? [],
    groups: root.at('groups')?.entries().map(groupNode) ?? [],
    services: root.need('services').entries().map(serviceNode),
    rules: root.need('rules').many().map(ruleNode),
  }));
}

type IdentityEntry = {
  readonly name: Located<string>;
  readonly value: Cursor<NonNullable<PolicyFile['identity']>[string]>;
};

function identityNode({ name, value }: IdentityEntry): IdentityNode {
  if (value.at('apiKeys') !== undefined) return { name, kind: 'apiKeys' };
  const relay = value.at('headgate');
  if (relay !== undefined) return relayNode(name, relay);
  const oidc = value.need('oidc');
  const groupsClaim = oidc.at('groupsClaim')?.located();
  const algorithms = oidc.at('algorithms');
  const types = oidc.at('types');
  return {
    name,
    kind: 'oidc',
    audience: texts(oidc.need('audience')),
    groupsClaim: groupsClaim ?? { value: 'groups', span: oidc.span },
    ...(algorithms && { algorithms: texts(algorithms) }),
    ...(types && { types: lowerCase(texts(types)) }),
  };
}

type Relay = NonNullable<NonNullable<PolicyFile['identity']>[string]['headgate']>;

function relayNode(name: Located<string>, relay: Cursor<Relay>): RelayNode {
  const hops = relay.need('hops').entries();
  const hopsMax = relay.at('hopsMax')?.located();
  return {
    name,
    kind: 'headgate',
    hops: hops.map((hop) => ({ service: hop.name, groups: names(hop.value) })),
    ...(hopsMax && { hopsMax }),
  };
}

function lowerCase({ value, span }: Located<readonly string[]>): Located<readonly string[]> {
  return { value: value.map((each) => each.toLowerCase().replace(/^application\//, '')), span };
}

function texts(cursor: Cursor<string | string[]>): Located<readonly string[]> {
  return { value: cursor.many().map((each) => each.located().value), span: cursor.span };
}

function names(cursor: Cursor<string | string[]>): readonly Located<string>[] {
  return cursor.many().map((each) => each.located());
}

function groupNode({ name, value }: { readonly name: Located<string>; readonly value: Cursor<Group> }): GroupNode {
  const whole = value as Cursor<Group & { readonly members?: unknown }>;
  if (!whole.isMap || whole.at('members') === undefined)
    return { name, anyOf: (value as Cursor<Callers>).many().map(callerNode) };
  const group = value as Cursor<OwnGroup>;
  return { name, anyOf: group.need('members').many().map(callerNode), ...ownedNode(group) };
}

type OwnGroup = Extract<Group, { readonly members: unknown }>;
type Callers = OwnGroup['members'];
type Caller = Exclude<Callers, readonly unknown[]>;

function ownedNode(cursor: Cursor<{ owner?: string | undefined; note?: string | undefined }>): OwnedNode {
  const owner = cursor.at('owner')?.located();
  const note = cursor.at('note')?.located();
  return { ...(owner && { owner }), ...(note && { note }) };
}

function callerNode(cursor: Cursor<Caller>): CallerNode {
  return { span: cursor.span, allOf: cursor.entries().map(callerTerm) };
}

function callerTerm({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Caller[string]>;
}): CallerTerm {
  if (!value.isMap) return { identity: name, any: true };
  const subject = value.at('subject');
  const group = value.at('group');
  const client = value.at('client');
  const keyName = value.at('name');
  return {
    identity: name,
    any: false,
    ...(subject && { subject: texts(subject) }),
    ...(group && { group: texts(group) }),
    ...(client && { client: texts(client) }),
    ...(keyName && { keyName: texts(keyName) }),
  };
}

function serviceNode({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Service>;
}): ServiceNode {
  const families = value.at('families')?.entries().map(familyNode) ?? [];
  const descriptors = value.at('descriptors')?.located();
  const methods = value.at('methods');
  const streamsEnd = value.at('streams')?.need('end').located();
  return {
    name,
    protocol: value.need('protocol').located(),
    ...(descriptors && { descriptors: { ...descriptors, value: descriptors.value.replace(/^file:/, '') } }),
    ...(methods && { idempotent: methods.entries().map((method) => method.name) }),
    ...(streamsEnd && { streamsEnd }),
    models: modelNodes(value.at('models')),
    families,
  };
}

type Family = NonNullable<Service['families']>[string];

function familyNode({ name, value }: { readonly name: Located<string>; readonly value: Cursor<Family> }): FamilyNode {
  const models = names(value.need('models')).map((model) => ({ name: model }));
  const common = value.at('with');
  const versions = common?.at('versions');
  return {
    name,
    models,
    ...(versions && { versions: names(versions) }),
    ...(common && carriedNode(common)),
    ...ownedNode(value),
  };
}

function modelNodes(models: Cursor<NonNullable<Service['models']>> | undefined): ModelNode[] {
  if (models === undefined) return [];
  if (models.isMap) return models.entries().map(modelNode);
  return models.many().map((each) => ({ name: each.located() as Located<string> }));
}

type ModelMap = Exclude<NonNullable<Service['models']>, readonly unknown[]>;
type ModelEntry = { readonly name: Located<string>; readonly value: Cursor<ModelMap[string]> };

function modelNode({ name, value }: ModelEntry): ModelNode {
  const versions = value.at('versions');
  return { name, ...(versions && { versions: names(versions) }), ...carriedNode(value) };
}

function ruleNode(rule: Cursor<Rule>): RuleNode {
  const deny = rule.at('deny');
  const inside = rule.at('in');
  const versions = rule.at('versions');
  const streams = rule.at('streams');
  return {
    span: rule.span,
    name: rule.need('name').located(),
    effect: deny ? 'deny' : 'allow',
    callers: callers(deny ?? rule.need('allow')),
    to: names(rule.need('to')),
    at: names(rule.need('at')),
    ...(inside && { in: names(inside) }),
    ...(versions && { versions: names(versions) }),
    ...conditionsNode(rule),
    unless: rule.at('unless')?.many().map(unlessNode) ?? [],
    limits: rule.at('limits')?.many().map(limitNode) ?? [],
    ...(streams && { streamsUntil: streams.need('until').located() }),
    ...ownedNode(rule),
  };
}

function callers(cursor: Cursor<string | string[]>): RuleNode['callers'] {
  const listed = names(cursor);
  const anyone = listed.some((each) => each.value === 'anyone');
  return { value: anyone ? 'anyone' : listed, span: cursor.span };
}

function condition(cursor: Cursor<string>): Located<CelText> {
  return { value: celText(cursor.node, cursor.source), span: cursor.span };
}

type Unless = Exclude<NonNullable<Rule['unless']>, readonly unknown[]>;

function unlessNode(cursor: Cursor<Unless>): UnlessNode {
  const caller = cursor.at('caller');
  return { span: cursor.span, ...(caller && { caller: names(caller) }), ...conditionsNode(cursor) };
}

function conditionsNode(cursor: Cursor<Pick<Unless, 'via' | 'from' | 'during' | 'when'>>): ConditionsNode {
  const [via, from, during, when] = [cursor.at('via'), cursor.at('from'), cursor.at('during'), cursor.at('when')];
  return {
    ...(via && { via: names(via) }),
    ...(from && { from: names(from).map(range) }),
    ...(during && { during: names(during).map(window) }),
    ...(when && { when: condition(when) }),
  };
}

function range({ value, span }: Located<string>): Located<string> {
  const cidr = parseCidr(value);
  if ('fault' in cidr) throw new TypeError('the schema let a malformed range pass');
  return { value: printCidr(cidr), span };
}

function window({ value, span }: Located<string>): Located<WeeklyWindow> {
  const read = parseWindow(value);
  if ('fault' in read) throw new TypeError('the schema let a malformed time pass');
  return { value: read, span };
}

function limitNode(cursor: Cursor<NonNullable<Rule['limits']>[number]>): LimitNode {
  const rate = cursor.need('rate').located();
  const burst = cursor.at('burst')?.located();
  const value = parseRate(rate.value);
  if (value === undefined) throw new TypeError('the schema let a malformed rate pass');
  return {
    span: cursor.span,
    rate: { value, span: rate.span },
    ...(burst && { burst }),
    per: cursor.need('per').located(),
  };
}
