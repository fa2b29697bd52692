import { isIP } from 'node:net';
import { isMap, type Node } from 'yaml';
import { hasInvisible } from '../../std/invisible.ts';
import { shown } from '../shown.ts';
import { headOf, keyText, pairOf, spanOf } from '../tree.ts';
import { nameCharactersMax } from './leaves.ts';
import type { CheckedItems, CheckedMap, Fault } from './notes.ts';
import { checkUnique } from './policy-checks.ts';

/** Names of tests are unique, so that a line of a report points to one place. */
export function checkTestNames(checked: CheckedItems): void {
  checkUnique(checked, { what: 'a test', key: 'name' });
}

/** A sentence on one line. */
export function testNameFault(written: string): Fault | undefined {
  const hint = `one line of plain text, at most ${nameCharactersMax} characters`;
  if (hasInvisible(written))
    return { code: 'HG1401', message: 'the name of the test holds a control character or a line break', hint };
  if (written.length <= nameCharactersMax) return undefined;
  return { code: 'HG1401', message: `the name of the test has more than ${nameCharactersMax} characters`, hint };
}

/** A test asks about one thing: no patterns. */
export function onePlaceFault(written: string): Fault | undefined {
  const hint = 'write the service and what is in it: `scoring/finance-prod`';
  if (written.includes('*')) {
    const message = `\`${shown(written)}\` is a pattern, and a test is about one thing`;
    return { code: 'HG1402', message, hint: 'name it; a list has a case for each: `[scoring/finance-prod, …]`' };
  }
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*(\/[A-Za-z0-9_.-]+)+$/.test(written)) return undefined;
  return { code: 'HG1402', message: `\`${shown(written)}\` names nothing within a service`, hint };
}

const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A moment has a zone, so that it is the same on every machine. */
export function momentFault(written: string): Fault | undefined {
  if (moment.test(written) && !Number.isNaN(Date.parse(written))) return undefined;
  const hint = 'write it with its zone: `2026-11-21T22:30:00Z`, `2026-11-21T23:30:00+01:00`';
  return { code: 'HG1403', message: `\`${shown(written)}\` is not a moment`, hint };
}

/** An IP address without a port. */
export function addressFault(written: string): Fault | undefined {
  if (isIP(written) !== 0) return undefined;
  return { code: 'HG1404', message: `\`${shown(written)}\` is not an IP address`, hint: 'such as `10.1.2.3`' };
}

/** A field name (RFC 9110, section 5.1). */
export function headerFault(written: string): Fault | undefined {
  if (/^authorization$/i.test(written)) {
    const hint = '`who` says who calls; a test never holds a credential';
    return { code: 'HG1405', message: 'a test carries no credential', hint };
  }
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(written)) return undefined;
  return { code: 'HG1405', message: `\`${shown(written)}\` is not the name of a header`, hint: 'such as `x-region`' };
}

/** One thing is expected. */
export function checkExpectation({ map, source, report }: CheckedMap): void {
  if (map.items.length === 1 && pairOf(map, 'version') === undefined) return;
  const hint = 'write one of `allowedBy`, `deniedBy` and `denied`';
  const known = map.items.filter((pair) => ['allowedBy', 'deniedBy', 'denied'].includes(keyText(pair) ?? ''));
  if (known.length !== 1) report.add('HG1406', '`expect` says one thing', { span: headOf(map, source), hint });
}

/** One caller, and at most one version. */
export function checkTest(checked: CheckedMap): void {
  checkWho(checked);
  const { map, source, report } = checked;
  const label = pairOf(map, 'label');
  if (label === undefined || pairOf(map, 'version') === undefined) return;
  const hint = 'a call asks by number or by label';
  report.add('HG1418', '`version` and `label` are given', { span: spanOf(label.key, source), hint });
}

/** A caller is one person or one machine, known through one identity. */
function checkWho({ map, source, report }: CheckedMap): void {
  const who = pairOf(map, 'who')?.value;
  if (!isMap(who)) return;
  if (who.items.length > 1) {
    const hint = 'a call carries one credential: write two tests';
    report.add('HG1407', 'a caller is known through one identity', { span: headOf(who, source), hint });
  }
  for (const { value } of who.items) {
    if (!isMap(value)) continue;
    const given = ['subject', 'client', 'name'].flatMap((key) => pairOf(value, key) ?? []);
    if (given.length === 1) continue;
    const second = given[1];
    const span = second === undefined ? headOf(value as Node, source) : spanOf(second.key, source);
    const message =
      second === undefined ? 'this caller has no name' : 'a caller is a person, a machine or an API key: one of them';
    const hint = 'write `subject` for a person, `client` for a token without a person in it, `name` for an API key';
    report.add('HG1407', message, { span, hint });
  }
}

/** Callers are written as a map, not as `explain --as` has them. */
export function whoFault(written: string, hint: string): Fault | undefined {
  if (written === 'anonymous') return undefined;
  return { code: 'HG1407', message: `\`${shown(written)}\` is not a caller`, hint };
}

/** `allowed` alone would pass whichever rule allows. */
export function expectFault(written: string, hint: string): Fault | undefined {
  if (written === 'denied') return undefined;
  return { code: 'HG1406', message: `\`${shown(written)}\` is not what can be expected`, hint };
}
