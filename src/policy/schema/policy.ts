import { z } from 'zod';
import { ratePattern } from '../../std/rate.ts';
import { anything, name, nameCharactersMax, oneOrMany, text } from './leaves.ts';
import { exactlyOneOf, later, laterFault, note, notes } from './notes.ts';
import { checkIdentityKind, checkModels, checkRule, checkRuleNames, checkService } from './policy-checks.ts';
import {
  algorithmFault,
  algorithms,
  claimFault,
  claimPath,
  exactFault,
  patternFault,
  rateFault,
  rateHint,
  ruleNameFault,
} from './policy-faults.ts';
import { version } from './version.ts';

const patternForm = /^[^/\s]+(\/[^/\s]+)+$/;

const audience = text('an audience', anything, {
  description: 'Accepted `aud` values of a token: any of them.',
});

const oidc = z
  .strictObject({
    audience: oneOrMany(audience),
    groupsClaim: text('a claim path such as `groups`', claimFault, {
      pattern: claimPath,
      description: 'Claim that holds the groups; dots between segments. Default `groups`.',
    }).optional(),
    algorithms: oneOrMany(z.enum(algorithms).register(notes, note({ what: 'a JWS algorithm', fault: algorithmFault })))
      .optional()
      .describe('Accepted JWS algorithms. Default RS256, PS256, ES256, EdDSA.'),
    types: oneOrMany(text('a token type such as `at+jwt`', anything))
      .optional()
      .describe('Accepted `typ` of a token. Default `JWT`, `at+jwt`, and none at all.'),
  })
  .register(notes, note({ what: 'an OpenID Connect identity', hint: 'write `oidc: { audience: … }`' }));

const identity = z
  .strictObject({
    oidc: oidc.optional(),
    kubernetes: later('Kubernetes identities'),
    aws: later('AWS identities'),
    spiffe: later('SPIFFE identities'),
    apiKeys: later('API keys'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .register(
    notes,
    note({ what: 'an identity', hint: 'write `{ oidc: { audience: … } }`', checkMap: checkIdentityKind }),
  );

const callerHint = 'write `any` for everyone known through it, or a map: `{ group: ml-team }`';

const exact = (what: string) => oneOrMany(text(what, exactFault));

const term = z
  .strictObject({
    subject: exact('a subject').optional().describe('The `sub` of the token, compared whole.'),
    group: exact('a group of the token').optional().describe('A group that the token carries, compared whole.'),
    client: exact('a client').optional().describe('The client of a token without a person in it.'),
    serviceAccount: later('callers by Kubernetes service account'),
    role: later('callers by AWS role'),
    path: later('callers by SPIFFE path'),
    key: later('callers by API key'),
  })
  .meta({ minProperties: 1, description: 'Every key must match; a list in a key is any of.' })
  .register(notes, note({ what: 'a map with `subject`, `group` or `client`', within: 'a caller', hint: callerHint }));

const any = z.literal('any').register(notes, note({ what: '`any`', hint: callerHint }));

const caller = z
  .record(name('an identity'), z.union([any, term]))
  .meta({ minProperties: 1, description: 'All of these identities must match.' })
  .register(notes, note({ what: 'a caller such as `{ staff: any }`' }));

const reserved = ['any', 'anyone'];

const model = z
  .union([
    z.null(),
    z.strictObject({
      repeats: later('coalescing and caching of repeats'),
      sequence: later('sequences'),
      with: later('restrictions by `with`'),
      family: later('families'),
      owner: later('owners'),
      note: later('notes'),
    }),
  ])
  .register(notes, note({ what: 'a model' }));

const service = z
  .strictObject({
    protocol: z.enum(['tensorflow-serving']).register(
      notes,
      note({
        what: 'a protocol',
        laterValues: { prefect: laterFault('Prefect services'), grpc: laterFault('gRPC services') },
      }),
    ),
    models: z
      .union([
        z
          .array(name('a model', { reserved }))
          .min(1)
          .register(notes, note({ checkItems: checkModels })),
        z.record(name('a model', { reserved }), model),
      ])
      .meta({ description: 'The models that there are. One that is not named here is nobody’s.' })
      .register(
        notes,
        note({ what: 'a list or map of models', hint: 'list their names: `models: [finance-prod, dialogue]`' }),
      )
      .optional(),
    families: later('families', { hint: 'list the models under `models`, and name them in `at`' }),
    descriptors: later('gRPC descriptors'),
    owner: later('owners'),
    note: later('notes'),
  })
  .register(
    notes,
    note({ what: 'a service', hint: 'write `{ protocol: tensorflow-serving, models: […] }`', checkMap: checkService }),
  );

const groupRef = name('a group');
const callers = oneOrMany(groupRef).meta({ description: 'Names of groups, or `anyone`: everybody, known or not.' });
const condition = text('a condition in CEL', anything, {
  description: 'A condition in CEL over caller, resource and request.',
});

const unless = z
  .strictObject({
    caller: oneOrMany(name('a group', { reserved })).optional().describe('Groups that are exempt.'),
    when: condition.optional(),
    during: later('times of day'),
    from: later('address ranges'),
    via: later('conditions on the listener'),
  })
  .meta({ minProperties: 1, description: 'An exemption from a deny: all of its keys must hold.' })
  .register(notes, note({ what: 'an exemption', hint: 'write `{ caller: [group] }` or `{ when: "…" }`' }));

const limit = z
  .strictObject({
    rate: text('a rate such as `200/s`', rateFault, {
      pattern: ratePattern,
      hint: rateHint,
      description: 'Calls in a second, minute or hour: `200/s`, `10/m`, `5/h`.',
    }),
    burst: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .register(notes, note({ what: 'a whole number from 1', hint: 'in decimal digits, at most 1000000000' }))
      .optional()
      .describe('Calls that may come at once. Default: the count of the rate.'),
    per: z
      .enum(['caller', 'rule'])
      .describe('caller: each caller has its own. rule: all share it.')
      .register(notes, note({ what: 'what a limit counts by' })),
  })
  .register(notes, note({ what: 'a limit', hint: 'write `{ rate: 200/s, per: caller }`' }));

const rule = z
  .strictObject({
    name: text('the name of a rule', ruleNameFault)
      .max(nameCharactersMax)
      .describe('A sentence, unique; the audit shows it.'),
    allow: callers.optional().describe('Groups that may, or `anyone`. The first allow that matches decides.'),
    deny: callers.optional().describe('Groups that may not, or `anyone`. A deny beats every allow.'),
    to: oneOrMany(name('an action')).meta({ description: 'Actions, or `any`.' }),
    at: oneOrMany(text('a pattern such as `scoring/**`', patternFault, { pattern: patternForm })).describe(
      'What within which service: `scoring/finance-prod`, `scoring/finance-*`, `scoring/**`.',
    ),
    in: oneOrMany(name('an environment'))
      .meta({ description: 'Environments in which the rule holds. Left out: all.' })
      .optional(),
    when: condition.optional(),
    unless: oneOrMany(unless).optional().describe('Exemptions from a deny: any of them.'),
    limits: z
      .array(limit)
      .min(1)
      .register(notes, note({ what: 'a list of limits', hint: 'write `limits: [ { rate: 200/s, per: caller } ]`' }))
      .optional()
      .describe('All must pass; exceeding one is 429 and never falls through to another rule.'),
    during: later('times of day'),
    from: later('address ranges'),
    via: later('conditions on the listener'),
    grantable: later('grants'),
    approvers: later('approvers of grants'),
    upTo: later('durations of grants'),
    owner: later('owners'),
    note: later('notes'),
  })
  .meta(exactlyOneOf('allow', 'deny'))
  .register(
    notes,
    note({ what: 'a rule', hint: 'a rule is `- name: …` with `allow` or `deny`, `to` and `at`', checkMap: checkRule }),
  );

/** The policy: `headgate.yaml`. */
export const policySchema = z
  .strictObject({
    version,
    identity: z
      .record(name('an identity', { reserved }), identity)
      .register(notes, note({ what: 'a map of identities' }))
      .optional()
      .describe('Kinds of credential that are accepted, by a name of your own.'),
    groups: z
      .record(name('a group', { reserved }), oneOrMany(caller))
      .meta({ description: 'A list is any of, a map is all of.' })
      .register(notes, note({ what: 'a map of groups' }))
      .optional(),
    services: z
      .record(name('a service', { reserved }), service)
      .meta({ minProperties: 1 })
      .register(notes, note({ what: 'a map of services' })),
    rules: z
      .array(rule)
      .register(
        notes,
        note({ what: 'a list of rules', hint: 'start each rule with `- name: …`', checkItems: checkRuleNames }),
      ),
  })
  .register(notes, note({ what: 'a policy' }));

export type PolicyFile = z.infer<typeof policySchema>;
