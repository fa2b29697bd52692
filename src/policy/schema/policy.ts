import { z } from 'zod';
import { hasInvisible } from '../../std/invisible.ts';
import { parseRate, ratePattern } from '../../std/rate.ts';
import { shown } from '../shown.ts';
import { name, nameCharactersMax, oneOrMany, text } from './leaves.ts';
import { type Fault, later, laterFault, note, notes } from './notes.ts';
import { checkIdentityKind, checkModels, checkRule, checkRuleNames, checkService } from './policy-checks.ts';
import { version } from './version.ts';

/** Asymmetric JWS algorithms (RFC 7518, RFC 8037). Never `none`, never HMAC. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const claimPath = /^[^.\s]+(\.[^.\s]+)*$/;
const patternForm = /^[^/\s]+(\/[^/\s]+)+$/;

const audience = text('an audience', notEmpty('an audience'), {
  description: 'Accepted `aud` values of a token: any of them.',
});

const oidc = z
  .strictObject({
    audience: oneOrMany(audience),
    groupsClaim: text('a claim path such as `groups`', claimFault, {
      pattern: claimPath,
      description: 'Claim that holds the groups; dots between segments. Default `groups`.',
    }).optional(),
    algorithms: oneOrMany(
      z.enum(algorithms).register(notes, note({ what: 'a JWS algorithm', fault: algorithmFault })),
    ).optional(),
    types: oneOrMany(text('a token type such as `at+jwt`', notEmpty('a token type'))).optional(),
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

const exact = (what: string) => oneOrMany(text(what, exactFault(what)));

const term = z
  .strictObject({
    subject: exact('a subject').optional(),
    group: exact('a group of the token').optional(),
    client: exact('a client').optional(),
    serviceAccount: later('callers by Kubernetes service account'),
    role: later('callers by AWS role'),
    path: later('callers by SPIFFE path'),
    key: later('callers by API key'),
  })
  .meta({ minProperties: 1, description: 'Every key must match; a list in a key is any of.' })
  .register(notes, note({ what: 'a map with `subject`, `group` or `client`', hint: callerHint }));

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
      .register(notes, note({ what: 'the models', hint: 'list their names: `models: [finance-prod, dialogue]`' }))
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
const condition = text('a condition in CEL', notEmpty('the condition'), {
  description: 'A condition in CEL over caller, resource and request.',
});

const unless = z
  .strictObject({
    caller: oneOrMany(name('a group', { reserved })).optional(),
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
      description: 'Calls in a second, minute or hour: `200/s`, `10/m`, `5/h`.',
    }),
    burst: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .register(notes, note({ what: 'a whole number from 1' }))
      .optional(),
    per: z.enum(['caller', 'rule']).register(notes, note({ what: 'what is counted' })),
  })
  .register(notes, note({ what: 'a limit', hint: 'write `{ rate: 200/s, per: caller }`' }));

const rule = z
  .strictObject({
    name: text('the name of a rule', ruleNameFault).max(nameCharactersMax),
    allow: callers.optional(),
    deny: callers.optional(),
    to: oneOrMany(name('an action')).meta({ description: 'Actions, or `any`.' }),
    at: oneOrMany(text('a pattern such as `scoring/**`', patternFault, { pattern: patternForm })),
    in: oneOrMany(name('an environment'))
      .meta({ description: 'Environments in which the rule holds. Left out: all.' })
      .optional(),
    when: condition.optional(),
    unless: oneOrMany(unless).optional(),
    limits: z
      .array(limit)
      .min(1)
      .register(notes, note({ what: 'a list of limits', hint: 'write `limits: [ { rate: 200/s, per: caller } ]`' }))
      .optional(),
    during: later('times of day'),
    from: later('address ranges'),
    via: later('conditions on the listener'),
    grantable: later('grants'),
    approvers: later('approvers of grants'),
    upTo: later('durations of grants'),
    owner: later('owners'),
    note: later('notes'),
  })
  .meta({ oneOf: [{ required: ['allow'] }, { required: ['deny'] }] })
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
      .optional(),
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

function notEmpty(what: string): (written: string) => Fault | undefined {
  return (written) => (written.trim() === '' ? { code: 'HG1106', message: `${what} is empty` } : undefined);
}

function exactFault(what: string): (written: string) => Fault | undefined {
  return (written) => {
    if (written.trim() === '') return { code: 'HG1106', message: `${what} is empty` };
    if (!written.includes('*')) return undefined;
    const hint = 'name each one; a list is any of';
    return { code: 'HG1215', message: `\`${shown(written)}\` would be compared whole, with its \`*\``, hint };
  };
}

function claimFault(written: string): Fault | undefined {
  if (claimPath.test(written)) return undefined;
  const hint = 'names of claims with dots between them: `groups`, `realm_access.roles`';
  return { code: 'HG1218', message: `\`${shown(written)}\` is not a claim path`, hint };
}

function algorithmFault(written: string): Fault | undefined {
  if (algorithms.some((each) => each === written)) return undefined;
  if (!/^(none|HS\d+)$/i.test(written)) return undefined;
  const hint = `one of ${algorithms.join(', ')}`;
  const danger = /none/i.test(written) ? 'is no signature at all' : 'signs with a secret that both sides share';
  return { code: 'HG1219', message: `\`${written}\` ${danger}`, hint };
}

function rateFault(written: string): Fault | undefined {
  if (parseRate(written) !== undefined) return undefined;
  const hint = 'a whole number from 1 in a second, minute or hour: `200/s`, `10/m`, `5/h`';
  return { code: 'HG1214', message: `\`${shown(written)}\` is not a rate`, hint };
}

function ruleNameFault(written: string): Fault | undefined {
  if (written.trim() === '')
    return { code: 'HG1106', message: 'the name of the rule is empty', hint: 'say in a sentence what it does' };
  if (hasInvisible(written)) {
    return {
      code: 'HG1213',
      message: 'the name of the rule holds a control character or a line break',
      hint: 'one line of plain text',
    };
  }
  if (written.length <= nameCharactersMax) return undefined;
  return {
    code: 'HG1213',
    message: `the name of the rule has more than ${nameCharactersMax} characters`,
    hint: 'say it shorter',
  };
}

function patternFault(written: string): Fault | undefined {
  const [service = '', ...segments] = written.split('/');
  if (/^[a-z]+:\/\//i.test(written))
    return {
      code: 'HG1201',
      message: `\`${shown(written)}\` is an address, and a policy holds none`,
      hint: 'name the service: `scoring/**`',
    };
  if (segments.length === 0 && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(service)) {
    return {
      code: 'HG1216',
      message: `\`${shown(written)}\` names a service and nothing in it`,
      hint: `write \`${shown(service)}/**\` for all of it`,
    };
  }
  if (segments[0] === 'family' && segments.length > 1) {
    return laterFault('families', { hint: `name the models: \`${service}/finance-prod\`` });
  }
  return segmentsFault(written, service, segments);
}

function segmentsFault(written: string, service: string, segments: readonly string[]): Fault | undefined {
  const fault = (message: string, hint: string): Fault => ({ code: 'HG1217', message, hint });
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(service)) {
    return fault(`\`${shown(written)}\` doesn't start with the name of a service`, 'such as `scoring/**`');
  }
  if (segments.some((each) => each === ''))
    return fault(`\`${shown(written)}\` has an empty segment`, 'write one `/` between segments, none at the end');
  if (segments.slice(0, -1).includes('**'))
    return fault('`**` stands before the end', '`**` comes last only; `*` stands for one segment');
  if (segments.some((each) => each !== '**' && each.includes('**')))
    return fault('`**` stands within a segment', 'write `*` within a segment, `/**` at the end');
  if (/[^A-Za-z0-9_.*/-]/.test(written)) {
    return fault(
      `\`${shown(written)}\` holds a character that no pattern has`,
      'letters, digits, `_`, `.`, `-` and `*`, with `/` between segments; no regular expressions',
    );
  }
  return undefined;
}
