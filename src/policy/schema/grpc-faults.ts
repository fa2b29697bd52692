import { shown } from '../shown.ts';
import type { Fault } from './notes.ts';

/** Names of Protocol Buffers: `acme.orders.v1.Orders/Get`. */
export const methodPattern = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\/[A-Za-z_][A-Za-z0-9_]*$/;

export function methodFault(written: string): Fault | undefined {
  if (methodPattern.test(written)) return undefined;
  const message = `\`${shown(written)}\` is not the name of a method`;
  return { code: 'HG1232', message, hint: 'its service and its own name: `acme.orders.v1.Orders/Get`' };
}
