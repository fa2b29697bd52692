import { isMap, isScalar, isSeq, type Scalar } from 'yaml';
import type { Report } from '../diagnostics/report.ts';
import type { Source } from '../diagnostics/source.ts';
import { keyText, spanOf } from './tree.ts';

const secretKey =
  /(password|passwd|passphrase|secret|token|api[-_]?key|auth[-_]?string|private[-_]?key|bearer|authorization|credential)$/i;
const reference = /^(env|file|store):\S+$/;

/** PEM blocks, JWTs, URLs with a password in them. */
const secretValue =
  /-----BEGIN [A-Z ]*PRIVATE KEY|^eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+|^[a-z][a-z0-9+.-]*:\/\/[^/\s@:]*:[^/\s@]+@/i;

/** Reports every literal secret of a tree: by the key it stands under, or by what it looks like. Their values are never shown. */
export function checkSecrets(node: unknown, source: Source, report: Report): void {
  if (isSeq(node)) for (const item of node.items) checkSecrets(item, source, report);
  if (isScalar(node) && typeof node.value === 'string' && secretValue.test(node.value))
    reportSecret(node, source, report);
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const named = secretKey.test(keyText(pair) ?? '') && isScalar(pair.value) && isLiteral(pair.value);
    if (named) reportSecret(pair.value as Scalar, source, report);
    else checkSecrets(pair.value, source, report);
  }
}

function isLiteral({ value }: Scalar): boolean {
  return (typeof value === 'string' && value !== '' && !reference.test(value)) || typeof value === 'number';
}

function reportSecret(node: Scalar, source: Source, report: Report): void {
  const hint = 'refer to it by `env:NAME` or `file:PATH`, and replace the secret: it has been written down';
  report.add('HG1130', 'a secret is written out here', { span: spanOf(node, source), hint });
}
