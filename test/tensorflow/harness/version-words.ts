/**
 * Names of versions that the model server has never heard of, the other way round than it would choose by itself: its latest is 2,
 * and whoever asks for none gets `settled`, which is 1.
 */
export const versionWords = {
  policy: [
    'version: 1',
    'identity: { staff: { oidc: { audience: headgate, groupsClaim: groups } } }',
    'groups:',
    '  scorers: [ { staff: { client: batch-scorer } } ]',
    '  leads: [ { staff: { group: finance-leads } } ]',
    'services:',
    '  scoring:',
    '    protocol: tensorflow-serving',
    '    models:',
    '      finance-prod: { versions: [settled, tried] }',
    '      finance-credit: {}',
    'rules:',
    '  - { name: the settled one, allow: scorers, to: any, at: scoring/finance-prod, versions: settled }',
    '  - { name: any version, allow: leads, to: any, at: "scoring/**", versions: any }',
    '',
  ].join('\n'),
  models: '{ finance-prod: { settled: 1, tried: { version: 2, share: 0% } } }',
} as const;
