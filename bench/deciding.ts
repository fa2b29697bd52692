import { createDecider, type Decider, type RequestFacts } from '../src/decision/index.ts';
import type { Identity } from '../src/identity/types.ts';
import type { AccessPlan, GroupPlan, RulePlan } from '../src/plan/types.ts';
import type { Operation } from '../src/protocols/types.ts';

const callersAsking = 64;
/** The calls are about as many teams, however many the policy knows: what differs is the policy alone. */
const teamsAsking = 4;

export interface DecidingOptions {
  readonly rounds: number;
  readonly decisions: number;
  /** Whether the caller was seen before, as with a token that is remembered, or is new to the decider each time. */
  readonly callers: 'known' | 'new';
}

export interface DecidingCosts {
  /** Nanoseconds of CPU a decision, round by round. */
  readonly few: readonly number[];
  readonly many: readonly number[];
}

/** What `decide()` costs with 10 rules and with 10,000, in turn, over the same number of callers and a mix of answers. */
export function measureDeciding({ rounds, ...options }: DecidingOptions): DecidingCosts {
  const [few, many] = [questionsAbout(10), questionsAbout(10_000)];
  const costs = { few: [] as number[], many: [] as number[] };
  for (const questions of [few, many]) ask(questions, options);
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const);
    for (const which of order) costs[which].push(ask(which === 'few' ? few : many, options));
  }
  return costs;
}

interface Questions {
  readonly decider: Decider;
  readonly asked: readonly { readonly operation: Operation; readonly identity: Identity }[];
}

function ask({ decider, asked }: Questions, { decisions, callers }: Omit<DecidingOptions, 'rounds'>): number {
  const before = process.cpuUsage();
  let allowed = 0;
  for (let at = 0; at < decisions; at += 1) {
    const question = asked[at % asked.length];
    if (question === undefined) continue;
    const identity = callers === 'known' ? question.identity : { ...question.identity };
    if (decider.decide(question.operation, identity, facts).outcome === 'allow') allowed += 1;
  }
  const used = process.cpuUsage(before);
  // A mix is what is measured: all of one answer would be a mistake of this file.
  if (allowed === 0 || allowed === decisions) throw new Error(`${allowed} of ${decisions} allowed`);
  return ((used.user + used.system) * 1000) / decisions;
}

const facts: RequestFacts = {
  listener: 'public',
  method: 'POST',
  path: '/v1/models/model-0:predict',
  host: 'models.example.test',
  address: '127.0.0.1',
  nowMs: 1_800_000_000_000,
  header: () => undefined,
};

/** Half of the callers ask for the model of their own team, the others for the next team's. */
function questionsAbout(ruleCount: number): Questions {
  const teams = Math.ceil(ruleCount / 5) * 2;
  const asked = Array.from({ length: callersAsking }, (_, index) => {
    const team = (index % teamsAsking) * (teams / teamsAsking);
    return {
      operation: predict(`model-${(team + (Math.floor(index / teamsAsking) % 2)) % teams}`),
      identity: callerOf(team, index),
    };
  });
  return { decider: createDecider(accessOf(ruleCount, teams)), asked };
}

/** Of each five rules: two allow a team its model, one a family of models, one denies with an exemption, one has a condition. */
function accessOf(ruleCount: number, teams: number): AccessPlan {
  const groups: GroupPlan[] = Array.from({ length: teams }, (_, team) => ({
    name: `team-${team}`,
    anyOf: [{ allOf: [{ identity: 'staff', group: [`team-${team}`] }] }],
  }));
  return {
    environment: 'bench',
    identities: [],
    groups,
    services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: groups.map((_, team) => `model-${team}`) }],
    rules: Array.from({ length: ruleCount }, (_, index) => ruleAt(index)),
    reads: { scoring: { headers: [], address: false, time: false } },
  };
}

function ruleAt(index: number): RulePlan {
  const place = Math.floor(index / 5) * 2;
  const shape = index % 5;
  const team = `team-${place + (shape === 1 ? 1 : 0)}`;
  const model = `model-${place + (shape === 1 ? 1 : 0)}`;
  return {
    index,
    name: `rule ${index}`,
    effect: shape === 3 ? 'deny' : 'allow',
    file: 'headgate.yaml',
    line: index + 1,
    callers: shape === 3 ? { kind: 'anyone' } : { kind: 'groups', names: [team] },
    actions: { kind: 'actions', names: shape < 2 || shape === 3 ? ['predict'] : ['classify'] },
    resources: [{ service: 'scoring', segments: [shape === 2 ? `${model}-*` : model] }],
    unless: shape === 3 ? [{ groups: [team] }] : [],
    limits: [],
  };
}

function predict(model: string): Operation {
  const name = 'predict';
  return {
    service: 'scoring',
    protocol: 'tensorflow-serving',
    name,
    action: name,
    resource: [model],
    model,
    safe: true,
  };
}

function callerOf(team: number, index: number): Identity {
  return {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'http://127.0.0.1',
    subject: `caller-${index}`,
    id: `caller-${index}`.padEnd(22, '0'),
    groups: [`team-${team}`],
    expiresAtMs: 1_900_000_000_000,
  };
}
