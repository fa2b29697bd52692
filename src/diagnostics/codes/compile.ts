/** HG2xxx: policy and environment together. */
export const compileCodes = {
  HG2001: { title: 'unknown identity', meaning: 'The name of an identity that the policy does not declare.' },
  HG2002: { title: 'unknown group', meaning: 'The name of a group that the policy does not declare.' },
  HG2003: { title: 'unknown service', meaning: 'The name of a service that the policy does not declare.' },
  HG2004: {
    title: 'pattern that matches nothing',
    meaning:
      'Models are a closed world: a pattern in `at` that matches none of those that the policy declares would never hold.',
  },
  HG2005: { title: 'unknown action', meaning: "The action is none of those that the service's protocol knows." },
  HG2006: {
    title: 'doubtful environment name',
    meaning:
      'A name in `in` that stands there only once and is nearly one that is used: most likely a slip. Nothing lists the environments, so that it is a warning.',
  },
  HG2007: { title: 'unknown family', meaning: 'The name of a family that the service does not declare.' },
  HG2008: {
    title: 'model in two families',
    meaning: 'A family is what is governed alike, with one owner: a model is in one at most.',
  },
  HG2009: {
    title: 'families too large together',
    meaning: 'A pattern of a family stands for each of its models; what the rules come to together is bounded.',
  },
  HG2010: {
    title: 'identity without a root of trust',
    meaning: 'Every identity of the policy is bound in the environment to the issuers whose tokens prove it.',
  },
  HG2012: {
    title: 'binding of an unknown identity',
    meaning: 'The environment binds an identity that the policy does not declare.',
  },
  HG2013: {
    title: 'issuer of two identities',
    meaning:
      'A token of an issuer that two identities share, for an audience that both accept, could be read as either of them.',
  },
  HG2014: {
    title: 'API keys twice',
    meaning: 'Keys are told from other credentials by how they begin, so that one identity of a policy is of API keys.',
  },
  HG2015: {
    title: 'binding of API keys',
    meaning:
      'API keys are kept in the store beside the gateway and have no issuer: an environment binds nothing to them.',
  },
  HG2016: {
    title: 'binding of another kind',
    meaning:
      'An OpenID Provider is bound by its issuer, other gateways by the issuers of their assertions and their key sets.',
  },
  HG2017: {
    title: 'gateway twice',
    meaning: 'Two bindings name one gateway, and nothing says which of them decides who may present its assertions.',
  },
  HG2018: {
    title: 'gateway without keys',
    meaning:
      'The assertions of another gateway are verified by its key set. Only this gateway’s own need none, and take none; another of the same name needs a name of its own (`gateway: edge` in its environment).',
  },
  HG2021: { title: 'unused group', meaning: 'No rule names the group.' },
  HG2022: { title: 'unused identity', meaning: 'No group names the identity, so that its callers are in none.' },
  HG2023: {
    title: 'two identities at once',
    meaning: 'A call carries one credential, so that no caller is known through two identities at once.',
  },
  HG2024: {
    title: 'caller told by what the identity lacks',
    meaning:
      'A caller of API keys is told by the name of the key, each one named: `{ keys: { name: batch-scorer } }`. One of an OpenID Provider has a subject, groups and a client.',
  },
  HG2027: {
    title: 'action on a service itself',
    meaning: 'What is done to a service, not to a model of it, is allowed or denied at all of the service.',
  },
  HG2030: {
    title: 'bad condition',
    meaning: 'The text of a condition is not CEL, not of the vocabulary, or not true or false.',
  },
  HG2031: {
    title: 'too many headers read',
    meaning:
      'Each header that a condition reads joins what kept decisions of its service are found by: the list is bounded.',
  },
  HG2032: {
    title: 'unknown time zone',
    meaning: 'A time zone is a name of the IANA time zone database, such as `Europe/Zurich` or `UTC`.',
  },
  HG2033: {
    title: 'unknown listener',
    meaning: 'A rule that holds in this environment names a listener in `via` that the environment does not have.',
  },
  HG2034: {
    title: 'origin that is never known',
    meaning:
      'Who a call is made for is known by the assertions of other gateways alone: a condition that reads it needs an identity of the kind `headgate`.',
  },
  HG2040: {
    title: 'rule never reached',
    meaning:
      'Among allows the first that matches decides. An earlier one without a condition matches all that this one could.',
  },
  HG2041: {
    title: 'allow beneath a deny',
    meaning: 'A deny beats every allow, and this one holds for all that the rule could allow.',
  },
  HG2042: { title: 'deny that adds nothing', meaning: 'An earlier deny holds for all that this one could deny.' },
  HG2050: {
    title: 'service without endpoints',
    meaning: 'Every service of the policy is bound in the environment to the endpoints that serve it.',
  },
  HG2051: {
    title: 'binding of an unknown service',
    meaning: 'The environment binds a service that the policy does not declare.',
  },
  HG2052: {
    title: 'service without rules',
    meaning: 'Nothing is allowed that no rule allows: nobody can call the service.',
  },
  HG2053: {
    title: 'endpoint twice',
    meaning: 'Two endpoints of a service have the same address: it would get twice its share.',
  },
  HG2055: {
    title: 'endpoint of another protocol',
    meaning:
      'A TensorFlow Serving replica is reached over REST, and over gRPC where it is given; a service of protocol `grpc` over gRPC alone.',
  },
  HG2054: { title: 'endpoint that is a listener', meaning: 'The gateway would call itself, without an end.' },
  HG2060: {
    title: 'listener without routes',
    meaning: 'Where there are several services, each listener says which requests go to which.',
  },
  HG2061: {
    title: 'route to an unknown service',
    meaning: 'The route names a service that the policy does not declare.',
  },
  HG2062: { title: 'service out of reach', meaning: 'No route of any listener leads to the service.' },
  HG2071: {
    title: 'too many limits',
    meaning: 'Each limit of a rule is counted for each call: a rule has at most eight.',
  },
  HG2072: {
    title: 'limit twice',
    meaning: 'Two limits of a rule count the same: the stricter one alone would do the same.',
  },
  HG2080: {
    title: 'stale access.lock',
    meaning: 'What the policy gives is not what `access.lock` says: write it anew, and have its diff read.',
  },
  HG2081: {
    title: 'too much access to list',
    meaning: 'The lock lists each model, caller and rule; it is bounded, so that its diff can be read.',
  },
  HG2082: {
    title: 'environment twice',
    meaning: 'Two files of `environments/` have one name: the lock could not tell them apart.',
  },
} as const;
