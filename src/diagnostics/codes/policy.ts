/** HG12xx: what only a policy can get wrong. */
export const policyCodes = {
  HG1201: {
    title: 'address in a policy',
    meaning:
      'A policy holds logical names only, so that access cannot differ by accident between environments. Addresses belong into `environments/<name>.yaml`.',
  },
  HG1202: { title: 'key of the environment in a policy', meaning: 'The key belongs into `environments/<name>.yaml`.' },
  HG1210: { title: 'rule without its effect', meaning: 'A rule is an `allow` or a `deny`: exactly one of them.' },
  HG1211: {
    title: '`unless` on an allow',
    meaning: '`unless` only exempts from a deny; it never allows and never narrows an allow.',
  },
  HG1212: { title: '`limits` on a deny', meaning: 'A deny lets nothing through that could be limited.' },
  HG1213: {
    title: 'bad name of a rule',
    meaning:
      'The name of a rule is a sentence of at most 120 characters without control characters, and unique; the audit shows it.',
  },
  HG1214: {
    title: 'bad rate',
    meaning: 'A rate is a whole number of calls in a second, minute or hour: `200/s`, `10/m`, `5/h`.',
  },
  HG1215: {
    title: 'pattern where a name is needed',
    meaning:
      'Subjects, groups and clients of a token are compared whole; `*` is no pattern there and would match nobody.',
  },
  HG1216: {
    title: 'bare service name',
    meaning: '`at` names what within a service: `scoring/finance-prod`, or `scoring/**` for all of it.',
  },
  HG1217: {
    title: 'malformed pattern',
    meaning: '`at` is a service, then segments after `/`; `*` stays within a segment, `**` is the whole last segment.',
  },
  HG1218: {
    title: 'malformed claim path',
    meaning: 'A claim path is names of claims with dots between them: `groups`, `realm_access.roles`.',
  },
  HG1219: {
    title: 'algorithm not accepted',
    meaning: 'Only asymmetric JWS algorithms are accepted: never `none`, never a shared secret (HMAC).',
  },
  HG1220: {
    title: 'reserved name',
    meaning: '`anyone` and `any` have a meaning of their own and cannot name a group, service or model.',
  },
  HG1221: {
    title: 'malformed time of day',
    meaning:
      '`during` is two times, with days before and a time zone after them: `22:00-06:00 Europe/Zurich`, `mon-fri 08:00-18:00 UTC`.',
  },
  HG1222: {
    title: 'malformed range of addresses',
    meaning: '`from` is ranges in CIDR notation, without bits of a host: `10.0.0.0/8`, `2001:db8::/32`.',
  },
  HG1223: {
    title: 'malformed owner or note',
    meaning: 'An owner or a note is one line of plain text of at most 500 characters.',
  },
  HG1224: {
    title: 'number of a version in a policy',
    meaning:
      'A policy names versions (`stable`, `canary`); which numbers they are differs between environments and stands there.',
  },
  HG1225: { title: 'too many versions', meaning: 'The versions of a model are bounded in number.' },
  HG1230: {
    title: 'pattern of API keys',
    meaning:
      'API keys are named exactly. Were a pattern one, whoever may name a new key could give it access that no reviewer of the policy saw.',
  },
} as const;
