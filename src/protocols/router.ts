import type { OperationRow } from './table.ts';

/** The operations that stand at one path, by method. */
export interface Place {
  readonly rows: ReadonlyMap<string, OperationRow>;
  /** Value of the Allow field, sorted. */
  readonly allow: readonly string[];
}

export interface Found {
  readonly place: Place;
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly label: string | undefined;
  /** Where in the path the version or label stands, with its segments' slashes, or would: behind the model. */
  readonly versionAt: { readonly start: number; readonly end: number } | undefined;
}

type Variable = 'model' | 'version' | 'label';

/** A tree of whole segments. `verbs` holds what may end here, by the text after `:` in a variable's segment, else `''`. */
interface Branch {
  readonly literals: Map<string, Branch>;
  variable: { readonly name: Variable; readonly branch: Branch } | undefined;
  readonly verbs: Map<string, { rows: Map<string, OperationRow>; allow: string[] }>;
}

const versionMax = 9_223_372_036_854_775_807n;

/** Compiles a table to a look-up by path: a few map reads and no regular expression a request. */
export function compileRouter(rows: readonly OperationRow[]): (path: string) => Found | undefined {
  const root = emptyBranch();
  for (const row of rows) for (const path of variants(row.path)) plant(root, path, row);
  return (path) => find(root, path);
}

function emptyBranch(): Branch {
  return { literals: new Map(), variable: undefined, verbs: new Map() };
}

/** Without what stands in brackets, and with each of its alternatives. */
function variants(template: string): readonly string[] {
  const match = /^(.*?)\[(.*?)\](.*)$/.exec(template);
  if (match === null) return [template];
  const [, before = '', optional = '', after = ''] = match;
  return ['', ...optional.split('|')].flatMap((each) => variants(`${before}${each}${after}`));
}

function plant(root: Branch, template: string, row: OperationRow): void {
  let branch = root;
  let verb = '';
  for (const segment of template.slice(1).split('/')) {
    const match = /^\{(model|version|label)\}(?::(.+))?$/.exec(segment);
    branch = match === null ? literal(branch, segment) : variable(branch, match[1] as Variable);
    verb = match?.[2] ?? '';
  }
  const place = branch.verbs.get(verb) ?? { rows: new Map(), allow: [] };
  place.rows.set(row.method, row);
  place.allow = [...place.rows.keys()].sort();
  branch.verbs.set(verb, place);
}

function literal(parent: Branch, segment: string): Branch {
  const branch = parent.literals.get(segment) ?? emptyBranch();
  parent.literals.set(segment, branch);
  return branch;
}

function variable(parent: Branch, name: Variable): Branch {
  parent.variable ??= { name, branch: emptyBranch() };
  if (parent.variable.name !== name) throw new TypeError('two variables stand at one place of the table');
  return parent.variable.branch;
}

function find(root: Branch, path: string): Found | undefined {
  const values: { model?: string; version?: string; label?: string } = {};
  const ends: { model?: number; version?: number; label?: number } = {};
  let branch = root;
  let verb = '';
  for (let start = 1; start <= path.length; ) {
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    const segment = path.slice(start, end);
    const step = branch.literals.get(segment);
    if (step !== undefined) branch = step;
    else {
      const taken = takeVariable(branch, segment, slash === -1);
      if (taken === undefined) return undefined;
      values[taken.name] = taken.value;
      ends[taken.name] = start + taken.value.length;
      verb = taken.verb;
      branch = taken.branch;
    }
    start = end + 1;
  }
  const place = branch.verbs.get(verb);
  if (place === undefined) return undefined;
  const { model, version, label } = values;
  const versionAt =
    ends.model === undefined ? undefined : { start: ends.model, end: ends.version ?? ends.label ?? ends.model };
  return { place, model, version, label, versionAt };
}

interface Taken {
  readonly name: Variable;
  readonly value: string;
  readonly verb: string;
  readonly branch: Branch;
}

function takeVariable(from: Branch, segment: string, last: boolean): Taken | undefined {
  if (from.variable === undefined) return undefined;
  const colon = segment.indexOf(':');
  if (colon !== -1 && (!last || colon === segment.length - 1)) return undefined;
  const value = colon === -1 ? segment : segment.slice(0, colon);
  const { name, branch } = from.variable;
  if (!(name === 'version' ? isVersion(value) : isName(value))) return undefined;
  return { name, value, verb: colon === -1 ? '' : segment.slice(colon + 1), branch };
}

/** An escape would leave it to the upstream what the name is. */
function isName(value: string): boolean {
  return value !== '' && !value.includes('%');
}

function isVersion(value: string): boolean {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(value)) return false;
  return value.length < 19 || BigInt(value) <= versionMax;
}
