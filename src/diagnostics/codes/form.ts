/** HG11xx: the form of both files. */
export const formCodes = {
  HG1100: {
    title: 'does not fit the schema',
    meaning: 'The value does not fit the JSON Schema of the file in a way that no other code describes.',
  },
  HG1101: {
    title: 'unknown key',
    meaning: 'A key that is not known here. Nothing in a security policy is silently ignored.',
  },
  HG1102: { title: 'missing key', meaning: 'A key that has to be there is not.' },
  HG1103: {
    title: 'wrong type',
    meaning: 'A list, map, text, number or truth value stands where another kind is needed.',
  },
  HG1104: { title: 'value not allowed', meaning: 'Only certain values are allowed here; the hint lists them.' },
  HG1105: {
    title: 'bad name',
    meaning:
      'Names of identities, groups, services, models, listeners and environments start with a letter or digit, go on with letters, digits, `_`, `.` or `-`, and have at most 120 characters.',
  },
  HG1106: { title: 'empty', meaning: 'A list, map or text that has to hold something is empty.' },
  HG1107: {
    title: 'name used twice',
    meaning: 'Names of one kind are unique, so that a line of the audit points to one place.',
  },
  HG1108: { title: 'one thing too many', meaning: 'Of these keys or values only one can be given.' },
  HG1110: {
    title: '`version` missing',
    meaning: 'Both files start with `version: 1`, so that a later form can never be misread.',
  },
  HG1111: { title: '`version` not known', meaning: 'This version of Headgate reads version 1 of both files.' },
  HG1120: {
    title: 'not in this version yet',
    meaning:
      'The feature is known but this version does not have it. It is an error, since leaving it out would change who has access.',
  },
  HG1130: {
    title: 'literal secret',
    meaning:
      'Secrets are never written into a policy or environment, only referred to: `env:NAME` or `file:PATH`. The value is not shown. Treat it as exposed and replace it.',
  },
} as const;
