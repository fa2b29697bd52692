import { z } from 'zod';
import { ratePattern } from '../../std/rate.ts';
import { carriedKeys } from './carried.ts';
import { grpcKeys, ruleStreams } from './grpc.ts';
import { anything, groupKeys, name, nameCharactersMax, oneOrMany, text } from './leaves.ts';
import { exactlyOneOf, later, laterFault, note, notes } from './notes.ts';
import { checkIdentityKind, checkModels, checkRule, checkRuleNames, checkService } from './policy-checks.ts';
import {
  algorithmFault,
  algorithms,
  claimFault,
  claimPath,
  exactFault,
  keyNameFault,
  lineFault,
  patternFault,
  rangeFault,
  rateFault,
  rateHint,
  ruleNameFault,
  windowFault,
  windowHint,
} from './policy-faults.ts';
import { headgate } from './relay.ts';
import { version } from './version.ts';
import { ruleVersions, versionNames } from './versions.ts';

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

const apiKeys = z
  .strictObject({})
  .describe('API keys that `headgate key` makes; they are kept beside the gateway, never in a file of the policy.')
  .register(
    notes,
    note({
      what: 'an empty map',
      within: '`apiKeys`',
      hint: 'write `apiKeys: {}`; `headgate key create` makes the keys',
    }),
  );

const identity = z
  .strictObject({
    oidc: oidc.optional(),
    kubernetes: later('Kubernetes identities'),
    aws: later('AWS identities'),
    spiffe: later('SPIFFE identities'),
    apiKeys: apiKeys.optional(),
    headgate: headgate.optional().describe('Callers of callers: what other gateways say of who a call is made for.'),
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
    name: oneOrMany(text('the name of an API key', keyNameFault))
      .optional()
      .describe('The name of an API key, compared whole.'),
  })
  .meta({ minProperties: 1, description: 'Every key must match; a list in a key is any of.' })
  .register(
    notes,
    note({ what: 'a map with `subject`, `group`, `client` or `name`', within: 'a caller', hint: callerHint }),
  );

const any = z.literal('any').register(notes, note({ what: '`any`', hint: callerHint }));

const caller = z
  .record(name('an identity'), z.union([any, term]))
  .meta({ minProperties: 1, description: 'All of these identities must match.' })
  .register(notes, note({ what: 'a caller such as `{ staff: any }`' }));

const reserved = ['any', 'anyone'];

const owned = {
  owner: text('who answers for it', lineFault, {
    description: 'Who answers for it, as colleagues know them.',
  }).optional(),
  note: text('a note', lineFault, { description: 'What a reviewer should know. One line.' }).optional(),
};

const group = z
  .strictObject({ members: oneOrMany(caller).meta({ description: 'A list is any of, a map is all of.' }), ...owned })
  .register(notes, note({ what: 'a group', chosenBy: groupKeys, hint: 'write `members: [ { staff: any } ]`' }));

const model = z
  .union([
    z.null(),
    z
      .strictObject({
        versions: versionNames.optional(),
        ...carriedKeys,
        with: later('restrictions by `with` on models', {
          hint: 'a model has them itself: `versions: [stable, canary]`',
        }),
        owner: later('owners of models', { hint: 'put it on a family' }),
        note: later('notes on models', { hint: 'put it on a family' }),
      })
      .register(notes, note({ what: 'a model' })),
  ])
  .register(notes, note({ what: 'a model' }));

const family = z
  .strictObject({
    models: z
      .array(name('a model', { reserved }))
      .min(1)
      .describe('Models that are governed alike. A model is in one family at most.')
      .register(
        notes,
        note({ hint: 'list the models: `models: [finance-prod, finance-credit]`', checkItems: checkModels }),
      ),
    with: z
      .strictObject({ versions: versionNames.optional(), ...carriedKeys })
      .meta({ minProperties: 1, description: 'What holds for each of its models; a model’s own keys win.' })
      .register(
        notes,
        note({
          what: 'a map of `versions`, `repeats` and `sequence`',
          within: '`with`',
          hint: 'write `with: { versions: [stable, canary] }`',
        }),
      )
      .optional(),
    ...owned,
  })
  .register(notes, note({ what: 'a family', hint: 'write `{ models: [finance-prod, finance-credit] }`' }));

const service = z
  .strictObject({
    protocol: z
      .enum(['tensorflow-serving', 'grpc'])
      .register(notes, note({ what: 'a protocol', laterValues: { prefect: laterFault('Prefect services') } })),
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
    families: z
      .record(name('a family', { reserved }), family)
      .meta({ description: 'Models that are governed alike; `at: scoring/family/finance` is about all of them.' })
      .register(notes, note({ what: 'a map of families', hint: 'write `families: { finance: { models: […] } }`' }))
      .optional(),
    ...grpcKeys,
    owner: later('owners of services', { hint: 'put it on a family, a group or a rule' }),
    note: later('notes on services', { hint: 'put it on a family, a group or a rule' }),
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

const conditions = {
  via: oneOrMany(name('a listener'))
    .meta({ description: 'Listeners by which the call comes in: any of them.' })
    .optional(),
  from: oneOrMany(text('a range of addresses such as `10.0.0.0/8`', rangeFault))
    .meta({ description: 'Ranges of addresses (CIDR), IPv4 or IPv6, that the peer is in: any of them.' })
    .optional(),
  during: oneOrMany(text('a time such as `22:00-06:00 Europe/Zurich`', windowFault, { hint: windowHint }))
    .meta({
      description:
        'When it holds: `22:00-06:00 Europe/Zurich`, `mon-fri 08:00-18:00 UTC`. Any of them. Over midnight it belongs to the day on which it begins.',
    })
    .optional(),
  when: condition.optional(),
};

const unless = z
  .strictObject({
    caller: oneOrMany(name('a group', { reserved })).optional().describe('Groups that are exempt.'),
    ...conditions,
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
    versions: ruleVersions.optional(),
    ...conditions,
    unless: oneOrMany(unless).optional().describe('Exemptions from a deny: any of them.'),
    limits: z
      .array(limit)
      .min(1)
      .register(notes, note({ what: 'a list of limits', hint: 'write `limits: [ { rate: 200/s, per: caller } ]`' }))
      .optional()
      .describe('All must pass; exceeding one is 429 and never falls through to another rule.'),
    streams: ruleStreams.optional(),
    grantable: later('grants'),
    approvers: later('approvers of grants'),
    upTo: later('durations of grants'),
    ...owned,
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
      .record(name('an identity', { reserved: [...reserved, ...groupKeys] }), identity)
      .register(notes, note({ what: 'a map of identities' }))
      .optional()
      .describe('Kinds of credential that are accepted, by a name of your own.'),
    groups: z
      .record(name('a group', { reserved }), z.union([group, caller, z.array(caller).min(1)]))
      .meta({ description: 'A list is any of, a map is all of. With `members` it can have an owner and a note.' })
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
