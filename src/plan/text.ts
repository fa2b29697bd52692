import { canonicalJson } from '../std/canonical-json.ts';
import type { Plan } from './types.ts';

/** The Plan as text: canonical JSON, one line, a newline at its end. Equal Plans are equal texts. */
export function planText(plan: Plan): string {
  return `${canonicalJson(plan)}\n`;
}
