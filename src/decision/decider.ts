import type { Identity } from '../identity/types.ts';
import { isConditional } from '../plan/index.ts';
import type { AccessPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { type Asked, type Call, createConditions } from './conditions.ts';
import { decidingRule } from './deciding-rule.ts';
import { explainRules, type RuleExplanation } from './explain.ts';
import { createMemberships, type Membership, nobody } from './memberships.ts';
import { createRuleIndex } from './rule-index.ts';
import type { Decision, DecisionReason, RequestFacts } from './types.ts';
import { createWorld } from './world.ts';

/** Decides from the access part of a Plan alone. Pure: the same question has the same answer. Never throws. */
export interface Decider {
  /** `identity` undefined: nobody known. */
  decide(operation: Operation, identity: Identity | undefined, facts: RequestFacts): Decision;
  /** The same decision, and of every rule what it lacks. Slow: it asks all of them. */
  explain(operation: Operation, identity: Identity | undefined, facts: RequestFacts): Explanation;
}

export interface Explanation {
  readonly decision: Decision;
  /** In file order. */
  readonly rules: readonly RuleExplanation[];
}

/**
 * Makes a decider. A matching deny from whose effect nothing exempts beats every allow; among allows the first that
 * matches, in file order, decides. Throws TypeError where a condition of the Plan is not what the compiler lets through.
 */
export function createDecider(access: AccessPlan): Decider {
  const isKnown = createWorld(access.services);
  const index = createRuleIndex(access);
  const membershipOf = createMemberships(access.groups);
  const conditionsFor = createConditions(access);
  const answers = createAnswers(access.rules);

  function decide(operation: Operation, identity: Identity | undefined, facts: RequestFacts): Decision {
    if (!isKnown(operation)) return answers.none('resource-unknown', readsNothing);
    const membership = identity === undefined ? nobody : membershipOf(identity);
    const { denies, allows } = index.contenders(operation, membership);
    const asked = conditionsFor({ operation, identity, facts });
    const deny = denies.find((rule) => denyMatches(rule, membership, asked));
    if (deny !== undefined) return answers.of(deny, asked);
    const allow = allows.find((rule) => !isConditional(rule) || asked.ask(rule).kind === 'true');
    return allow === undefined ? answers.none('no-rule-allows', asked) : answers.of(allow, asked);
  }

  return {
    decide,
    explain(operation, identity, facts) {
      const call: Call = { operation, identity, facts };
      const membership = identity === undefined ? nobody : membershipOf(identity);
      const question = { call, isKnown: isKnown(operation), membership, asked: conditionsFor(call) };
      return { decision: decide(operation, identity, facts), rules: explainRules(access.rules, question) };
    },
  };
}

/** Callers, action and resource match already. An error in the condition matches; an error in an exemption doesn't exempt. */
function denyMatches(rule: RulePlan, { groups }: Membership, asked: Asked): boolean {
  if (isConditional(rule) && asked.ask(rule).kind === 'false') return false;
  return !rule.unless.some((part) => {
    if (part.groups !== undefined && !part.groups.some((group) => groups.has(group))) return false;
    return !isConditional(part) || asked.ask(part).kind === 'true';
  });
}

/** What the conditions asked so far have read that changes by itself. */
type Read = Pick<Asked, 'readTime' | 'readQueue'>;

const readsNothing: Read = { readTime: false, readQueue: false };

interface Answers {
  of(rule: RulePlan, read: Read): Decision;
  none(reason: DecisionReason, read: Read): Decision;
}

/** Every answer there is, made once and frozen: deciding allocates none. */
function createAnswers(rules: readonly RulePlan[]): Answers {
  const plain = rules.map((rule) => ruleAnswer(rule, readsNothing));
  const timed = rules.map((rule) => ruleAnswer(rule, { readTime: true, readQueue: false }));
  const queued = rules.map((rule) => ruleAnswer(rule, { readTime: false, readQueue: true }));
  const both = rules.map((rule) => ruleAnswer(rule, { readTime: true, readQueue: true }));
  return {
    of(rule, read) {
      const answers = read.readQueue ? (read.readTime ? both : queued) : read.readTime ? timed : plain;
      // INVARIANT: RulePlan.index is the position in the Plan. A Plan where it isn't refuses.
      return answers[rule.index] ?? nobodyAllows('no-rule-allows', read);
    },
    none: nobodyAllows,
  };
}

function ruleAnswer(rule: RulePlan, { readTime, readQueue }: Read): Decision {
  const reason = rule.effect === 'allow' ? 'rule-allows' : 'rule-denies';
  return Object.freeze({
    outcome: rule.effect,
    reason,
    rule: decidingRule(rule),
    limits: rule.limits,
    readsTime: readTime,
    readsQueue: readQueue,
  });
}

function nobodyAllows(reason: DecisionReason, { readTime, readQueue }: Read): Decision {
  return { outcome: 'deny', reason, limits: [], readsTime: readTime, readsQueue: readQueue };
}
