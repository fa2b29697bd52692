import type { RulePlan } from '../plan/types.ts';

/**
 * Whether the segments of a pattern match those of a resource. Within a segment `*` is any run of characters, none
 * included; `**` as the last segment is any rest of one or more segments.
 */
export function matchesSegments(pattern: readonly string[], segments: readonly string[]): boolean {
  const open = pattern.at(-1) === '**';
  const fixed = open ? pattern.length - 1 : pattern.length;
  if (open ? segments.length <= fixed : segments.length !== fixed) return false;
  for (let index = 0; index < fixed; index++) {
    if (!matchesSegment(pattern[index] ?? '', segments[index] ?? '')) return false;
  }
  return true;
}

/**
 * Whether a rule's pattern takes in what an operation is made on. The service itself (no segment) is taken in where everything
 * in it is.
 */
export function matchesResource(pattern: readonly string[], resource: readonly string[]): boolean {
  if (resource.length === 0) return pattern.length === 1 && (pattern[0] === '**' || pattern[0] === '*');
  return matchesSegments(pattern, resource);
}

/**
 * Whether a rule's `to` takes in an action. What is done to the service itself has to be named by whoever allows it, so that
 * nobody gives it away by `any`; a deny of any action denies it.
 */
export function matchesAction(
  { effect, actions }: Pick<RulePlan, 'effect' | 'actions'>,
  { action, resource }: { readonly action: string; readonly resource: readonly string[] },
): boolean {
  if (actions.kind === 'any') return resource.length > 0 || effect === 'deny';
  return actions.names.includes(action);
}

/** One segment; linear for each `*`: the leftmost fit of each piece is always good enough. */
export function matchesSegment(pattern: string, segment: string): boolean {
  const pieces = pattern.split('*');
  const head = pieces[0] ?? '';
  if (pieces.length === 1) return head === segment;
  const tail = pieces.at(-1) ?? '';
  if (segment.length < head.length + tail.length || !segment.startsWith(head) || !segment.endsWith(tail)) return false;
  let from = head.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = segment.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return from <= segment.length - tail.length;
}

/** Whether a segment or a whole pattern has no star, so that it names one thing. */
export function isLiteral(segment: string): boolean {
  return !segment.includes('*');
}
