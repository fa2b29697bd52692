const keyWords =
  'password|passwd|passphrase|secret|token|api[-_]?key|auth[-_]?string|private[-_]?key|bearer|authorization|credential';
const secretKey = new RegExp(`(${keyWords})$`, 'i');
const reference = /^(env|file|store):\S+$/;

/** PEM blocks, JWTs, URLs with a password in them. */
const valueForm = String.raw`-----BEGIN [A-Z ]*PRIVATE KEY.*|\beyJ[\w-]{10,}\.[\w-]*(\.[\w-]*)?|\b[a-z][a-z0-9+.-]*:\/\/[^\/\s@:]*:[^\/\s@]+@`;
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
