import { createHash } from 'node:crypto';
import { canonicalJson } from '../std/canonical-json.ts';
import type { AccessPlan } from './types.ts';

/** Name of one state of access: the first 16 hexadecimal digits of SHA-256 over its canonical JSON. */
export function accessEpoch(access: AccessPlan): string {
  return createHash('sha256').update(canonicalJson(access)).digest('hex').slice(0, 16);
}
