/** HG14xx: what only tests of a policy can get wrong. */
export const testCodes = {
  HG1401: {
    title: 'bad name of a test',
    meaning: 'The name of a test is a sentence of at most 120 characters without control characters, and unique.',
  },
  HG1402: {
    title: 'test that is not about one thing',
    meaning:
      'A test asks about a call, and a call is made on one thing: a service and what is in it, without a pattern.',
  },
  HG1403: { title: 'bad moment', meaning: 'A moment is a date, a time and a zone: `2026-11-21T22:30:00Z`.' },
  HG1404: { title: 'bad address of a caller', meaning: "The caller's address is an IP address without a port." },
  HG1405: {
    title: 'bad header of a test',
    meaning: 'A header has the name of a field, and is never a credential: `who` says who calls.',
  },
  HG1406: {
    title: 'expectation that is not one thing',
    meaning: 'A test expects one thing: an allowing rule, a denying rule, or that the call is refused.',
  },
  HG1407: {
    title: 'caller that is not one caller',
    meaning: 'A caller is `anonymous`, or one person (`subject`) or machine (`client`) known through one identity.',
  },
  HG1410: { title: 'unknown rule', meaning: 'The test expects a rule that the policy does not have.' },
  HG1411: {
    title: 'unknown environment',
    meaning:
      'The environment has no file in `environments/` beside the policy, and no rule names it in its `in`: a slip would go unseen.',
  },
  HG1412: {
    title: 'rule of another environment',
    meaning: 'The rule that the test expects does not hold in that environment, by its own `in`.',
  },
  HG1413: {
    title: 'unknown resource',
    meaning: 'The policy does not name what the test is about. Models are a closed world.',
  },
  HG1414: {
    title: 'expectation against the rule',
    meaning: '`allowedBy` names a rule that denies, or `deniedBy` one that allows.',
  },
  HG1415: {
    title: 'doubtful name of a caller',
    meaning: 'A group or client of the test is none that the policy reads, and is nearly one: most likely a slip.',
  },
  HG1417: {
    title: 'unknown listener of a test',
    meaning: 'The environment has no listener of the name that the test gives in `via`.',
  },
  HG1416: {
    title: 'too many cases',
    meaning: 'A test has a case for each action, resource and environment of its lists; their number is bounded.',
  },
  HG1418: {
    title: 'version asked for twice',
    meaning: 'A call asks for a version by its number or by its label, never by both.',
  },
  HG1419: {
    title: 'unknown version of a test',
    meaning: 'The test expects a version that the model does not have.',
  },
  HG1420: {
    title: 'number of a version without an environment',
    meaning:
      'Which numbers versions have stands in the file of the environment, and this one has none beside the policy.',
  },
} as const;
