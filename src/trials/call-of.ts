import type { OriginFacts, RequestFacts } from '../decision/index.ts';
import { issuersOf, type Plan, type ServicePlan } from '../plan/index.ts';
import type { PolicyTest, TestCaller } from '../policy/index.ts';
import { callActions, grpcTables, isServiceAction, type Operation, operationTables } from '../protocols/index.ts';
import { split } from './check-names.ts';

/** What a case asks: `predict`, on `scoring/finance-prod`. */
export interface AskedCall {
  readonly at: string;
  readonly action: string;
}

/** The same as the gate would hand it to the decider. */
interface MadeCall {
  readonly operation: Operation;
  readonly facts: RequestFacts;
}

/** Where a test gives no time: an answer that reads it fails the test, whatever it is. */
const anyMomentMs = Date.UTC(2026, 0, 1);

/** The call as the gate would hand it to the decider. */
export function callOf(test: PolicyTest, asked: AskedCall, plan: Plan): MadeCall {
  const { service: name } = split(asked.at);
  const service = plan.access.services.find((each) => each.name === name);
  if (service === undefined) throw new TypeError(`there is no service ${name}`);
  const { operation, method, path } =
    asked.action === callActions[service.protocol] ? methodCall(service, asked) : rowCall(service, asked, test);
  const listener = plan.listeners.find((each) => each.name === test.via?.value) ?? plan.listeners[0];
  const facts = {
    listener: listener?.name ?? '',
    method,
    path,
    host: listener?.routes.find((route) => route.service === name)?.host ?? 'localhost',
    address: test.address ?? '127.0.0.1',
    nowMs: test.timeMs ?? anyMomentMs,
    queue: test.queue,
    ...(test.origin && { origin: originOf(test.origin, plan) }),
    header: (header: string) => test.headers.get(header),
  };
  return { operation, facts };
}

/** As an assertion would say it; the identity is the first gateway's, which may have another of the same name. */
function originOf({ identity, subject, client, keyName, groups }: TestCaller, { access }: Plan): OriginFacts {
  const named = client ?? keyName;
  return {
    provider: identity.value,
    issuer: issuersOf(access.identities.find(({ name }) => name === identity.value))[0] ?? '',
    subject: (subject ?? named)?.value ?? '',
    ...(named && { client: named.value }),
    groups: groups.map(({ value }) => value).toSorted(),
  };
}

interface Line {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
}

/** A method of the service's own. */
function methodCall({ name: service, protocol, methods = {} }: ServicePlan, { at, action }: AskedCall): Line {
  const { inside } = split(at);
  const { idempotent = false, streaming } = methods[inside] ?? {};
  const call = { service, protocol, name: action, action, grpc: true, resource: inside.split('/') } as const;
  const operation = { ...call, safe: idempotent, ...(streaming && { streaming }) };
  return { operation, method: 'POST', path: `/${inside}` };
}

/** What a table has: over REST where it is offered so, else over gRPC. */
function rowCall({ name: service, protocol }: ServicePlan, { at, action }: AskedCall, test: PolicyTest): Line {
  const rest = operationTables[protocol].find((each) => each.action === action);
  const grpc = grpcTables[protocol].find((each) => each.action === action);
  const row = rest ?? (grpc && { ...grpc, method: 'POST' });
  if (row === undefined) throw new TypeError(`${action} on ${at} is no call`);
  const { name, method, path, safe } = row;
  const { inside: model } = split(at);
  const [version, label] = [test.version?.value, test.label?.value];
  const which = { ...(version !== undefined && { version: String(version) }), ...(label !== undefined && { label }) };
  // What is done to the service itself is asked at anything in it.
  const made = isServiceAction(action) ? { resource: [] } : { resource: [model], model, ...which };
  const inPath = version === undefined ? (label === undefined ? '' : `/labels/${label}`) : `/versions/${version}`;
  return {
    operation: { service, protocol, name, action, ...made, safe },
    method,
    path: path.replace('{model}', model).replace(/\[[^\]]*\]/g, inPath),
  };
}
