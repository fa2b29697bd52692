/** HG209x: the versions of models, in policy and environment together. */
export const versionCodes = {
  HG2090: {
    title: 'versions of an unknown model',
    meaning: 'The environment says which versions a model has that the policy does not declare.',
  },
  HG2091: {
    title: 'versions that the policy does not name',
    meaning:
      'The environment binds versions of a model for which the policy names none, or binds one that it does not name.',
  },
  HG2092: {
    title: 'version without a number',
    meaning: 'Each version that the policy names has a number in every environment.',
  },
  HG2093: {
    title: 'shares that do not add up',
    meaning:
      'Of the versions of a model exactly one has no share: it gets the rest, and callers who are not known. The shares of the others come to 100 % at most.',
  },
  HG2094: {
    title: 'number of two versions',
    meaning: 'Two versions of a model have the same number: a call by this number could be read as either of them.',
  },
  HG2095: {
    title: 'unknown version',
    meaning: 'The rule is about a version that none of its models has: it would never hold for it.',
  },
} as const;
