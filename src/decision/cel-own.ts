import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { zonedMethods, zonedPart } from './zoned-time.ts';

const timestamp = 'google.protobuf.Timestamp';

/**
 * Functions in which the library's way is not good enough for access: its zones go through the machine's own zone and are
 * wrong around that one's clock changes, `int("")` is 0, and `lowerAscii` changes more than ASCII.
 */
export function registerOwn(environment: Environment): void {
  for (const [method, part] of zonedMethods) {
    environment.registerFunction(`${timestamp}.${ownName(method)}(string): int`, {
      handler: (time: Date, zone: string) => zonedPart(time.getTime(), zone, part),
      async: false,
    });
  }
  environment.registerFunction(`${timestamp}.${ownName('getDayOfYear')}(): int`, {
    handler: (time: Date) => zonedPart(time.getTime(), 'UTC', 'dayOfYear'),
    async: false,
  });
  environment.registerFunction(`${ownName('int')}(string): int`, { handler: decimal, async: false });
  environment.registerFunction(`string.${ownName('lowerAscii')}(): string`, {
    handler: (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()),
    async: false,
  });
  environment.registerFunction(`string.${ownName('upperAscii')}(): string`, {
    handler: (text: string) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()),
    async: false,
  });
}

/** Renames in a fresh tree what was checked under its own name, so that the library calls ours. */
export function useOwn(node: ASTNode): void {
  if (node.op === 'call' && node.args[0] === 'int') node.args[0] = ownName('int');
  if (node.op === 'rcall' && isOwnMethod(node.args[0], node.args[2].length)) node.args[0] = ownName(node.args[0]);
  for (const child of children(node)) useOwn(child);
}

function isOwnMethod(name: string, args: number): boolean {
  if (name === 'lowerAscii' || name === 'upperAscii') return args === 0;
  return zonedMethods.has(name) && (args === 1 || name === 'getDayOfYear');
}

/** What is behind the names of ours. No condition can call them so: only listed names are let through. */
export const ownMark = 'OfHeadgate';

function ownName(name: string): string {
  return `${name}${ownMark}`;
}

/** Whole decimal numbers of at most 18 digits, so that none overflows CEL's 64 bits. */
function decimal(text: string): bigint {
  if (!/^-?[0-9]{1,18}$/.test(text)) throw new RangeError('int() needs a whole decimal number');
  return BigInt(text);
}

function children({ args }: ASTNode): readonly ASTNode[] {
  return (Array.isArray(args) ? args.flat(2) : [args]).filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}
