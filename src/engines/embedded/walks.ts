import type { Plan } from '../../plan/types.ts';
import { type MessageReading, messageWalk } from '../../protocols/index.ts';
import { walksMax } from './limits.ts';

/** undefined: there is no such call. */
export type WalkOf = (listener: string, authority: string, target: string) => MessageReading | undefined;

/** Looks up how a message is to be walked; what was found once is remembered. */
export function walkFinder(plan: Plan): WalkOf {
  const found = new Map<string, MessageReading>();
  return (listener, authority, target) => {
    const key = `${listener}\n${authority}\n${target}`;
    const known = found.get(key);
    if (known !== undefined) return known;
    const kind = messageWalk(plan, { listener, method: 'POST', authority, target });
    // Nobody fills it up with queries.
    if (kind !== undefined && !target.includes('?') && found.size < walksMax) found.set(key, kind);
    return kind;
  };
}
