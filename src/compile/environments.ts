import { nearestName } from '../diagnostics/index.ts';
import type { Located } from '../policy/index.ts';
import type { CompiledRule } from './rules.ts';
import type { Scope } from './scope.ts';

/**
 * Environments are files of their own, and nothing lists them, so that a name in `in` can't be held against a list. What
 * stands in one rule alone and is nearly a name used elsewhere is most likely a slip, and a warning says so.
 */
export function checkEnvironmentNames(scope: Scope): void {
  const uses = new Map<string, Located<string>[]>();
  for (const name of scope.policy.rules.flatMap((rule) => rule.in ?? [])) {
    const places = uses.get(name.value) ?? [];
    places.push(name);
    uses.set(name.value, places);
  }
  const here = scope.environment.name.value;
  const settled = new Set([...uses].filter(([, places]) => places.length > 1).map(([name]) => name)).add(here);
  for (const [name, [place]] of uses) {
    if (settled.has(name) || place === undefined) continue;
    const near = nearestName(name, settled);
    if (near === undefined || !isSlip(name, near)) continue;
    const message = `environment \`${name}\` is named nowhere else`;
    scope.report.add('HG2006', message, { span: place.span, hint: `did you mean \`${near}\`?`, severity: 'warning' });
  }
}

/** Short names (`eu`, `us`) and numbered ones (`dev1`, `dev2`) are near one another on purpose. */
function isSlip(name: string, near: string): boolean {
  return name.length >= 4 && name.replace(/[0-9]/g, '') !== near.replace(/[0-9]/g, '');
}

/** The rules that hold in one environment, numbered anew. */
export function rulesHere(rules: readonly CompiledRule[], environment: string): readonly CompiledRule['plan'][] {
  const held = rules.filter((rule) => rule.in === undefined || rule.in.has(environment));
  return held.map(({ plan }, index) => ({ ...plan, index }));
}
