import { type AuditEvent, readAudit, sentence, verifyAudit } from '../src/audit/index.ts';
import { type DemoAnswer, type DemoCall, demoCalls, send, throttledCall, tokenFor } from './calls.ts';
import type { World } from './world.ts';

/** Calls until the limit of `scientists try models` is surely used up. */
const throttledCallsMax = 12;

/** Makes every call of the demo over sockets and prints each. Returns what was not as the policy says. */
export async function runOnce(world: World, print: (line: string) => void): Promise<string[]> {
  const tokens = new Map<string, string | undefined>();
  const sent: { readonly call: DemoCall; readonly answer: DemoAnswer }[] = [];
  const make = async (call: DemoCall): Promise<DemoAnswer> => {
    if (!tokens.has(call.as)) tokens.set(call.as, await tokenFor(world, call.as));
    return send(world.gateway, call, tokens.get(call.as));
  };
  for (const call of demoCalls) sent.push({ call, answer: await make(call) });
  sent.push({ call: throttledCall, answer: await throttle(make) });
  await world.headgate.flushAudit();
  const events = await eventsOf(
    world,
    sent.map(({ answer }) => requestId(answer)),
  );
  const faults = sent.flatMap(({ call, answer }) => {
    const event = events.get(requestId(answer));
    const wrong = faultsOf(call, answer, event);
    for (const line of callLines(call, answer, event, wrong)) print(line);
    return wrong.map((fault) => `${call.title}: ${fault}`);
  });
  return [...faults, ...(await auditFaults(world, print))];
}

/** Sends until the answer is no longer 200. */
async function throttle(make: (call: DemoCall) => Promise<DemoAnswer>): Promise<DemoAnswer> {
  let answer = await make(throttledCall);
  for (let calls = 1; calls < throttledCallsMax && answer.status === 200; calls += 1)
    answer = await make(throttledCall);
  return answer;
}

function requestId({ headers }: DemoAnswer): string {
  return String(headers['x-headgate-request-id']);
}

async function eventsOf({ headgate }: World, ids: readonly string[]): Promise<Map<string, AuditEvent>> {
  const wanted = new Set(ids);
  const found = new Map<string, AuditEvent>();
  for await (const event of readAudit(headgate.plan().audit.directory)) {
    if (event.kind === 'call' && wanted.has(event.requestId)) found.set(event.requestId, event);
  }
  return found;
}

/** What is not as the policy says: in the answer, or in what the audit holds of it. */
function faultsOf(call: DemoCall, answer: DemoAnswer, event: AuditEvent | undefined): string[] {
  const faults = [];
  if (answer.status !== call.status) faults.push(`answered ${answer.status}, not ${call.status}`);
  if (answer.status === 429 && answer.headers['retry-after'] === undefined) faults.push('no Retry-After');
  if (event === undefined) return [...faults, 'not in the audit'];
  const { reason, rule, status } = event.core;
  if (reason !== call.reason) faults.push(`the audit says ${reason}, not ${call.reason}`);
  if (rule !== call.rule) faults.push(`decided by ${rule}, not by ${call.rule}`);
  if (status !== answer.status) faults.push(`the audit says ${status}, the answer was ${answer.status}`);
  return faults;
}

function callLines(
  call: DemoCall,
  answer: DemoAnswer,
  event: AuditEvent | undefined,
  wrong: readonly string[],
): string[] {
  const { title, as, method, path } = call;
  return [
    `${wrong.length === 0 ? '✔' : '✖'} ${title}`,
    `    ${method} ${path} as ${as} → ${answer.status} ${shortBody(answer)}`,
    ...(event === undefined ? [] : [`    ${sentence(event)}`]),
    ...wrong.map((fault) => `    ✖ ${fault}`),
  ];
}

/** The answer's body on one line: predictions, or a refusal's sentence. */
export function shortBody({ body, headers }: DemoAnswer): string {
  const from = headers['x-replica'] === undefined ? '' : ` from ${headers['x-replica']}`;
  if (headers['content-type'] === 'application/problem+json') return (JSON.parse(body) as { detail: string }).detail;
  const numbers = body.replace(/\s+/g, ' ').replace(/\d+\.\d{4,}(?:e-\d+)?/g, (number) => Number(number).toFixed(3));
  return `${numbers.trim().slice(0, 120)}${from}`;
}

async function auditFaults({ headgate }: World, print: (line: string) => void): Promise<string[]> {
  const { findings, calls } = await verifyAudit(headgate.plan().audit.directory);
  const intact = findings.length === 0;
  print(`${intact ? '✔' : '✖'} the audit is ${intact ? 'intact' : 'NOT intact'}: ${calls} calls in one chain`);
  return findings.map(({ message }) => `audit: ${message}`);
}
