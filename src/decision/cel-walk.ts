import type { ASTNode } from '@marcbachmann/cel-js';
import { callFault, headerFault, methodFault, type Words, zoneFault } from './cel-rules.ts';
import { celRoots, celWalks, celWords } from './cel-vocabulary.ts';
import { zonedMethods } from './zoned-time.ts';

/** One mistake in a condition. Offsets count characters of its text; the end is exclusive. */
export interface CelFault extends Words {
  readonly start: number;
  readonly end: number;
}

/** What a walk over a condition's syntax tree gathers. */
export interface CelWalk {
  readonly faults: CelFault[];
  readonly headers: Set<string>;
  /** Fields read, as `request.path`, and words. */
  readonly fields: Set<string>;
}

/** Reads a condition before the library checks its types: what it reads must be plain from the text alone. */
export function walkCel(tree: ASTNode): CelWalk {
  const walk: CelWalk = { faults: [], headers: new Set(), fields: new Set() };
  visit(tree, { walk, locals: [] });
  return walk;
}

interface Scope {
  readonly walk: CelWalk;
  readonly locals: readonly string[];
}

const rootNames = Object.keys(celRoots);

function visit(node: ASTNode, scope: Scope): undefined {
  switch (node.op) {
    case 'value':
      return;
    case 'id':
      return visitName(node, node.args, scope);
    case '.':
      return visitField(node, node.args[0], node.args[1], scope);
    case '[]':
      if (isHeaders(node.args[0], scope)) return visitHeader(node.args[1], scope);
      return visitAll(node.args, scope);
    case 'in':
      if (isHeaders(node.args[1], scope)) return visitHeader(node.args[0], scope);
      return visitAll(node.args, scope);
    case 'call':
      return visitCall(node, { name: node.args[0], args: node.args[1] }, scope);
    case 'rcall':
      return visitMethod(node, { name: node.args[0], on: node.args[1], args: node.args[2] }, scope);
    case 'map':
      return visitAll(node.args.flat(), scope);
    case '!_':
    case '-_':
      return visit(node.args, scope);
    case '.?':
    case '[?]':
      return fault(node, { message: 'optional fields are not part of conditions' }, scope);
    default:
      return visitAll(node.args, scope);
  }
}

function visitAll(nodes: readonly ASTNode[], scope: Scope): undefined {
  for (const node of nodes) visit(node, scope);
}

function visitName(node: ASTNode, name: string, scope: Scope): undefined {
  if (scope.locals.includes(name)) return;
  if (celWords.some((word) => word === name)) {
    scope.walk.fields.add(name);
    return;
  }
  const fields = rootFields(name);
  if (fields !== undefined) {
    const hint = `write ${fields.map((field) => `${name}.${field}`).join(', ')}`;
    return fault(node, { message: `${name} is read by its fields`, hint }, scope);
  }
  fault(
    node,
    { message: `unknown name ${name}`, unknown: { written: name, known: [...rootNames, ...celWords] } },
    scope,
  );
}

function visitField(node: ASTNode, on: ASTNode, field: string, scope: Scope): undefined {
  if (isHeaders(on, scope)) {
    const hint = `write request.headers[${JSON.stringify(field.toLowerCase())}]`;
    return fault(node, { message: 'a header is read by its name in brackets', hint }, scope);
  }
  const fields = on.op === 'id' && !scope.locals.includes(on.args) ? rootFields(on.args) : undefined;
  if (on.op !== 'id' || fields === undefined) return visit(on, scope);
  if (isHeaders(node, scope)) {
    const message = 'headers are read one at a time, so that what a condition reads is known';
    return fault(node, { message, hint: 'write request.headers["x-name"] or "x-name" in request.headers' }, scope);
  }
  if (fields.includes(field)) {
    scope.walk.fields.add(`${on.args}.${field}`);
    return;
  }
  fault(node, { message: `${on.args} has no field ${field}`, unknown: { written: field, known: fields } }, scope);
}

function visitHeader(name: ASTNode, scope: Scope): undefined {
  const wrong = headerFault(name);
  if (wrong !== undefined) fault(name, wrong, scope);
  else if (name.op === 'value') scope.walk.headers.add(String(name.args));
}

interface Call {
  readonly name: string;
  readonly args: readonly ASTNode[];
}

function visitCall(node: ASTNode, { name, args }: Call, scope: Scope): undefined {
  const target = args[0];
  if (name === 'has' && target?.op === '.' && isHeaders(target.args[0], scope)) {
    const hint = `write ${JSON.stringify(target.args[1].toLowerCase())} in request.headers`;
    return fault(node, { message: 'whether a header is there is asked with in', hint }, scope);
  }
  const wrong = callFault(name, args);
  if (wrong !== undefined) return fault(node, wrong, scope);
  visitAll(args, scope);
}

function visitMethod(node: ASTNode, { name, on, args }: Call & { readonly on: ASTNode }, scope: Scope): undefined {
  if (celWalks.has(name)) return visitWalk(node, { name, on, args }, scope);
  const wrongMethod = methodFault(name);
  if (wrongMethod !== undefined) return fault(node, wrongMethod, scope);
  const zone = zonedMethods.has(name) ? args[0] : undefined;
  const wrong = zone === undefined ? undefined : zoneFault(zone);
  if (zone !== undefined && wrong !== undefined) fault(zone, wrong, scope);
  visitAll([on, ...args], scope);
}

/** `list.exists(x, condition)` */
function visitWalk(node: ASTNode, { name, on, args }: Call & { readonly on: ASTNode }, scope: Scope): undefined {
  visit(on, scope);
  const [variable, ...rest] = args;
  if (variable?.op !== 'id') return fault(node, { message: `${name} needs a variable and a condition` }, scope);
  if (scope.locals.length > 0) return fault(node, { message: `${name} must not stand inside another one` }, scope);
  if (rootFields(variable.args) !== undefined || celWords.some((word) => word === variable.args)) {
    return fault(variable, { message: `${variable.args} has a meaning already`, hint: 'choose another name' }, scope);
  }
  visitAll(rest, { ...scope, locals: [...scope.locals, variable.args] });
}

function isHeaders(node: ASTNode, scope: Scope): boolean {
  if (node.op !== '.' || node.args[1] !== 'headers') return false;
  const on = node.args[0];
  return on.op === 'id' && on.args === 'request' && !scope.locals.includes('request');
}

function rootFields(name: string): readonly string[] | undefined {
  const entry = Object.entries(celRoots).find(([root]) => root === name);
  return entry === undefined ? undefined : Object.keys(entry[1]);
}

function fault(node: ASTNode, words: Words, scope: Scope): undefined {
  scope.walk.faults.push({ ...words, start: node.start, end: node.end });
}
