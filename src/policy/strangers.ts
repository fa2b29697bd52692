import type { Fault } from './schema/notes.ts';

const addressKeys = new Set([
  'address',
  'endpoint',
  'endpoints',
  'issuer',
  'issuers',
  'url',
  'rest',
  'listeners',
  'admin',
  'host',
]);
const environmentKeys = new Set([
  'environment',
  'engine',
  'routes',
  'tls',
  'audit',
  'state',
  'health',
  'timeouts',
  'retries',
  'queue',
  'compression',
  'credentials',
  'accounts',
  'trustDomain',
]);
const accessKeys = new Set([
  'rules',
  'groups',
  'allow',
  'deny',
  'unless',
  'limits',
  'audience',
  'groupsClaim',
  'protocol',
  'families',
  'to',
  'at',
]);

const modelKeys = new Set(['repeats', 'sequence', 'coalesce']);

/** What Headgate will never have, with what does the same. */
const neverKeys: Readonly<Record<string, string>> = {
  not: 'name who is allowed, or write a rule with `deny`',
  priority: 'the order of the file decides among allows; a deny beats every allow',
  order: 'the order of the file decides among allows; a deny beats every allow',
  regex: 'patterns have `*` within a segment and `**` at the end',
};

/** A key that is known, but in the other of the two files. */
export function strangerFault(key: string, file: 'policy' | 'environment' | 'tests'): Fault | undefined {
  if (file === 'tests') return undefined;
  if (file === 'environment') {
    if (modelKeys.has(key)) {
      const message = `unknown key \`${key}\`: what a model needs is the same in every environment`;
      return { code: 'HG1101', message, hint: 'move it into `headgate.yaml`, to the model or to `with` of its family' };
    }
    if (!accessKeys.has(key)) return undefined;
    const message = `\`${key}\` says who has access, and an environment never does`;
    return {
      code: 'HG1301',
      message,
      hint: 'move it into `headgate.yaml`; a rule holds in certain environments by its `in`',
    };
  }
  const instead = Object.hasOwn(neverKeys, key) ? neverKeys[key] : undefined;
  if (instead !== undefined)
    return { code: 'HG1101', message: `unknown key \`${key}\`, and there won't be one`, hint: instead };
  if (addressKeys.has(key)) {
    const hint = 'bind it in `environments/<name>.yaml`';
    return { code: 'HG1201', message: `\`${key}\` is an address, and a policy holds none`, hint };
  }
  if (!environmentKeys.has(key)) return undefined;
  return {
    code: 'HG1202',
    message: `\`${key}\` belongs to an environment`,
    hint: 'move it into `environments/<name>.yaml`',
  };
}
