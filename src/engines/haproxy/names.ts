/** Names that the configuration, the agent and the Runtime API share. Indices count from 1. */

/** Variables. `g.` ones are set by the agent (`option var-prefix g`). */
export const variables = {
  method: 'txn.m',
  version: 'txn.v',
  host: 'txn.h',
  path: 'txn.p',
  address: 'txn.ip',
  key: 'txn.k',
  now: 'txn.now',
  /** The permit's record: see record.ts. */
  record: 'txn.s',
  /** Set where a kept decision may be neither found nor made. */
  odd: 'txn.odd',
  /** Name of the backend that a miss went to. */
  backend: 'txn.be',
  /** Method and path of a request that no decision is kept for. */
  request: 'txn.req',
  trace: 'txn.tp',
  epoch: 'proc.epoch',
  answer: {
    record: 'txn.g.s',
    endSeconds: 'txn.g.end',
    recordNumber: 'txn.g.n',
    coreNumber: 'txn.g.d',
    status: 'txn.g.status',
    body: 'txn.g.body',
    challenge: 'txn.g.challenge',
    retryAfter: 'txn.g.retry',
    allow: 'txn.g.allow',
  },
} as const;

/** What the agent calls its variables: without scope and prefix. */
export const answerNames = {
  record: 's',
  endSeconds: 'end',
  recordNumber: 'n',
  coreNumber: 'd',
  status: 'status',
  body: 'body',
  challenge: 'challenge',
  retryAfter: 'retry',
  allow: 'allow',
} as const satisfies Record<keyof typeof variables.answer, string>;

export const backends = {
  gate: 'headgate.gate',
  kept: 'headgate.kept',
  fast: 'headgate.rate.fast',
  slow: 'headgate.rate.slow',
} as const;

/** Records by number: even numbers in the first, odd ones in the second, so that one can be emptied while the other serves. */
export const recordMaps = ['records.0.map', 'records.1.map'] as const;

export const files = { configuration: 'haproxy.cfg', spoe: 'spoe.cfg', problem: 'problem' } as const;
export const spoeEngine = 'gate';
export const spoeGroup = 'ask';
/** The descriptor of the spool file, inherited. */
export const spoolDescriptor = 3;

export const frontendName = (index: number): string => `in.${index}`;
export const askName = (index: number): string => `ask.${index}`;
export const upstreamName = (index: number): string => `up.${index}`;
