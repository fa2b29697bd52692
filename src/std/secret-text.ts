const keyWords =
  'password|passwd|passphrase|secret|token|api[-_]?key|auth[-_]?string|private[-_]?key|bearer|authorization|credential';
const secretKey = new RegExp(`(${keyWords})$`, 'i');
const reference = /^(env|file|store):\S+$/;

/** API keys: ours, GitHub's, GitLab's, Slack's, AWS's, Google's, Stripe's and those of OpenAI and Anthropic, by how each begins, letter by letter. */
const keyForms = [
  'hgk_[0-9A-Za-z]{16,}',
  'gh[pousr]_[0-9A-Za-z]{30,}',
  'github_pat_\\w{30,}',
  'glpat-[\\w-]{20,}',
  'xox[abprs]-[\\w-]{10,}',
  'A(KIA|SIA)[0-9A-Z]{16}',
  'AIza[\\w-]{35}',
  '[rs]k_live_[0-9A-Za-z]{16,}',
  'sk-(?:(?:ant|proj|svcacct)-[\\w-]{20,}|[0-9A-Za-z]{40,})',
].join('|');

/** PEM blocks, JWTs, URLs with a password in them, keys. */
const valueForm = String.raw`-----BEGIN [A-Z ]*PRIVATE KEY.*|\beyJ[\w-]{10,}\.[\w-]*(\.[\w-]*)?|\b[a-z][a-z0-9+.-]*:\/\/[^\/\s@:]*:[^\/\s@]+@|\b(?-i:${keyForms})`;
const secretValue = new RegExp(valueForm, 'i');

/** A key and the value after it, on one line. */
const secretPair = new RegExp(`((?:${keyWords})["']?\\s*:\\s*)(?!(?:env|file|store):)([^\\s,}#{[][^,}#]*)`, 'gi');

/** Whether what stands under this key is to be kept secret: `password`, `clientSecret`, `api-key`… */
export function isSecretKey(key: string): boolean {
  return secretKey.test(key);
}

/** Whether a text looks like a secret by itself. */
export function looksLikeSecret(text: string): boolean {
  return secretValue.test(text);
}

/** Whether a text only refers to a secret: `env:NAME`, `file:PATH`. */
export function isSecretReference(text: string): boolean {
  return reference.test(text);
}

/** A line of a configuration with what could be a secret starred out, character by character. */
export function maskSecrets(line: string): string {
  return line
    .replace(new RegExp(valueForm, 'gi'), (found) => '*'.repeat(found.length))
    .replace(secretPair, (_whole, key: string, value: string) => `${key}${'*'.repeat(value.length)}`);
}
