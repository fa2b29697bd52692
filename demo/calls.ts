import { request } from 'node:http';
import { machines } from './accounts.ts';
import { machineToken, personToken } from './sign-in.ts';
import type { World } from './world.ts';

/** The third payment of a day, from an account of 200 days: amount, hour, age of the account, payments today. */
export const somePayment = { instances: [[180, 14, 200, 3]] };
/** Income, debt, years employed, late payments. */
const loan = { instances: [[52_000, 20_000, 3, 1]] };

/** One call of the demo, and what the policy says of it. */
export interface DemoCall {
  readonly title: string;
  /** Name of an account; `nobody`: no credential; `garbage`: a credential that is none. */
  readonly as: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly status: number;
  /** Reason in the audit. */
  readonly reason: string;
  /** Deciding rule; null: none. */
  readonly rule: string | null;
}

const predictProd = { method: 'POST', path: '/v1/models/finance-prod:predict', body: somePayment } as const;
const predictCredit = { method: 'POST', path: '/v1/models/finance-credit:predict', body: loan } as const;
const machineRule = 'finance scores with its own models';

export const firstCall: DemoCall = {
  ...predictProd,
  title: 'a machine scores with its own model',
  as: 'batch-scorer',
  status: 200,
  reason: 'rule-allows',
  rule: machineRule,
};

/** In order; the last one of alice's is sent until she is throttled. */
export const demoCalls: readonly DemoCall[] = [
  firstCall,
  { ...firstCall, title: 'an earlier version of it', path: '/v1/models/finance-prod/versions/3:predict' },
  { ...firstCall, title: 'the same by its name', path: '/v1/models/finance-prod/labels/previous:predict' },
  {
    ...predictProd,
    title: 'a version that the policy does not name',
    path: '/v1/models/finance-prod/versions/2:predict',
    as: 'batch-scorer',
    status: 403,
    reason: 'no-rule-allows',
    rule: null,
  },
  { ...firstCall, ...predictCredit, title: 'and another of its models' },
  {
    ...predictProd,
    title: 'a scientist tries a model, in dev',
    as: 'alice',
    status: 200,
    reason: 'rule-allows',
    rule: 'scientists try models',
  },
  {
    ...predictCredit,
    title: 'but not credit scores: a deny beats every allow',
    as: 'alice',
    status: 403,
    reason: 'rule-denies',
    rule: 'credit scores stay in finance',
  },
  {
    ...predictCredit,
    title: 'from which leads are exempt',
    as: 'lena',
    status: 200,
    reason: 'rule-allows',
    rule: 'leads see everything',
  },
  {
    ...predictProd,
    title: 'someone known whom no rule allows',
    as: 'bob',
    status: 403,
    reason: 'no-rule-allows',
    rule: null,
  },
  { ...predictProd, title: 'someone unknown', as: 'nobody', status: 401, reason: 'credential-missing', rule: null },
  {
    ...predictProd,
    title: 'a token that is none',
    as: 'garbage',
    status: 401,
    reason: 'credential-malformed',
    rule: null,
  },
  {
    title: 'anybody may ask whether it is up',
    as: 'nobody',
    method: 'GET',
    path: '/v1/models/finance-prod',
    status: 200,
    reason: 'rule-allows',
    rule: 'everybody may ask whether production is up',
  },
  {
    ...predictProd,
    title: 'a model that the policy does not name',
    as: 'batch-scorer',
    path: '/v1/models/nobody:predict',
    status: 403,
    reason: 'resource-unknown',
    rule: null,
  },
  {
    ...predictProd,
    title: 'a path that can be read in two ways',
    as: 'batch-scorer',
    path: '/v1/models/finance-credit/../finance-prod:predict',
    status: 400,
    reason: 'path-not-canonical',
    rule: null,
  },
];

export const throttledCall: DemoCall = {
  ...predictProd,
  title: 'more than 5 at once and 30 a minute',
  as: 'alice',
  status: 429,
  reason: 'limit-exceeded',
  rule: 'scientists try models',
};

export interface DemoAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Fetches a token for an account from the provider; undefined where the call carries none. */
export async function tokenFor({ issuer }: Pick<World, 'issuer'>, account: string): Promise<string | undefined> {
  if (account === 'nobody') return undefined;
  if (account === 'garbage') return 'not-a-token';
  return machines.includes(account) ? machineToken(issuer, account) : personToken(issuer, account);
}

/** Makes the call over a socket, with the path as it stands: `fetch` would tidy it up. */
export function send(
  gateway: string,
  { method, path, body }: DemoCall,
  token: string | undefined,
): Promise<DemoAnswer> {
  const { hostname, port } = new URL(gateway);
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers }, async (incoming) => {
      const text = (await incoming.setEncoding('utf8').toArray()).join('');
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
    });
    outgoing.once('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
