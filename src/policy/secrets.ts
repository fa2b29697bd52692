import { isMap, isScalar, isSeq, type Scalar } from 'yaml';
import type { Report, Source } from '../diagnostics/index.ts';
import { isSecretKey, isSecretReference, looksLikeSecret } from '../std/secret-text.ts';
import { keyText, spanOf } from './tree.ts';

/** Reports every literal secret of a tree: by the key it stands under, or by what it looks like. Their text is never shown. */
export function checkSecrets(node: unknown, source: Source, report: Report): void {
  if (isSeq(node)) for (const item of node.items) checkSecrets(item, source, report);
  if (isScalar(node) && typeof node.value === 'string' && looksLikeSecret(node.value))
    reportSecret(node, source, report);
  if (!isMap(node)) return;
  for (const pair of node.items) {
    const named = isSecretKey(keyText(pair) ?? '') && isScalar(pair.value) && isLiteral(pair.value);
    if (named) reportSecret(pair.value as Scalar, source, report);
    else checkSecrets(pair.value, source, report);
  }
}

function isLiteral({ value }: Scalar): boolean {
  return (typeof value === 'string' && value !== '' && !isSecretReference(value)) || typeof value === 'number';
}

function reportSecret(node: Scalar, source: Source, report: Report): void {
  const hint = 'refer to it by `env:NAME` or `file:PATH`, and replace the secret: it has been written down';
  report.add('HG1130', 'a secret is written out here', { span: spanOf(node, source), hint });
}
