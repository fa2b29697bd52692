import { isMap } from 'yaml';
import { isLoopback, parseHostPort, printHostPort } from '../../std/host-port.ts';
import { hasAny, headOf, pairOf, spanOf, textAt } from '../tree.ts';
import type { CheckedItems, CheckedMap } from './notes.ts';
import { checkUnique } from './policy-checks.ts';
import { checkDnsPair } from './traffic-checks.ts';

/** A listener in the clear stays on loopback. */
export function checkListener({ map, source, report }: CheckedMap): void {
  const address = textAt(map, 'address');
  if (address === undefined || hasAny(map, ['tls']) || !offLoopback(address.text)) return;
  const hint = 'add `tls: { certificate: …, key: … }`, or bind it to 127.0.0.1';
  report.add('HG1303', 'this listener is in the clear and not on loopback', {
    span: spanOf(address.node, source),
    hint,
  });
}

/** Names and addresses of listeners are unique. Port 0, a free one, never collides. */
export function checkListeners(checked: CheckedItems): void {
  checkUnique(checked, { what: 'a listener', key: 'name' });
  checkAddresses(checked, []);
}

function checkAddresses({ items, source, report }: CheckedItems, also: readonly { text: string }[]): void {
  const seen = new Set(also.map((each) => each.text));
  for (const item of items) {
    const address = textAt(item, 'address');
    const parsed = address && parseHostPort(address.text);
    if (!address || !parsed || 'fault' in parsed || parsed.port === 0) continue;
    const key = printHostPort(parsed);
    if (seen.has(key))
      report.add('HG1306', 'another listener has this address', { span: spanOf(address.node, source) });
    seen.add(key);
  }
}

/** The admin address is in the clear, so it stays on loopback; no listener shares it. */
export function checkEnvironment({ map, source, report }: CheckedMap): void {
  const admin = textAt(map, 'admin');
  const parsed = admin && parseHostPort(admin.text);
  if (!admin || !parsed || 'fault' in parsed) return;
  const span = spanOf(admin.node, source);
  if (!isLoopback(parsed.host))
    report.add('HG1303', 'the admin address is in the clear and not on loopback', {
      span,
      hint: 'bind it to 127.0.0.1',
    });
  const listeners = pairOf(map, 'listeners')?.value;
  const items = listeners && 'items' in listeners ? (listeners.items as CheckedItems['items']) : [];
  const taken = items.some((item) => {
    const address = textAt(item, 'address');
    const other = address && parseHostPort(address.text);
    return other && !('fault' in other) && other.port !== 0 && printHostPort(other) === printHostPort(parsed);
  });
  if (taken)
    report.add('HG1306', 'a listener has this address too', { span, hint: 'give the admin server a port of its own' });
}

/** `strip` takes away a path prefix, so there has to be one. */
export function checkRoute({ map, source, report }: CheckedMap): void {
  const strip = pairOf(map, 'strip');
  if (strip === undefined || hasAny(map, ['path'])) return;
  report.add('HG1307', '`strip` has no path to strip', {
    span: spanOf(strip.key, source),
    hint: 'add `path: /prefix/**`, or remove `strip`',
  });
}

/** Routes are tried in order: one whose host and path an earlier one has whole is never reached. */
export function checkRoutes({ items, source, report }: CheckedItems): void {
  const earlier: { host: string | undefined; path: string }[] = [];
  for (const item of items) {
    if (!isMap(item)) continue;
    const host = textAt(item, 'host')?.text.toLowerCase();
    const path = (textAt(item, 'path')?.text ?? '/**').replace(/\*\*$/, '');
    const shadow = earlier.some(
      (each) => (each.host === undefined || each.host === host) && path.startsWith(each.path),
    );
    if (shadow) {
      const hint = 'put the narrower route first, or remove this one';
      report.add('HG1308', 'an earlier route takes all that this one could', { span: headOf(item, source), hint });
    }
    earlier.push({ host, path });
  }
}

/** One issuer or several, said in one way. */
export function checkIdentityBinding({ map, source, report }: CheckedMap): void {
  const issuer = pairOf(map, 'issuer');
  const issuers = pairOf(map, 'issuers');
  if (issuer && issuers) {
    report.add('HG1108', '`issuer` and `issuers` are given', {
      span: spanOf(issuers.key, source),
      hint: 'put all of them into `issuers`',
    });
  } else if ((issuer || issuers) && hasAny(map, ['gateways'])) {
    report.add('HG1108', 'an issuer and `gateways` are given', {
      span: spanOf(pairOf(map, 'gateways')?.key ?? map, source),
      hint: 'an identity is known by the one or by the other',
    });
  } else if (!issuer && !issuers && !hasAny(map, ['gateways', 'accounts', 'trustDomain', 'cluster'])) {
    report.add('HG1102', 'this identity is bound to no issuer', {
      span: headOf(map, source),
      hint: 'add `issuer: https://…`',
    });
  }
}

/** An endpoint has an address; which ones its protocol needs is the compiler's to say. */
export function checkEndpoint(checked: CheckedMap): void {
  const { map, source, report } = checked;
  if (hasAny(map, ['rest', 'grpc'])) {
    checkDnsPair(checked);
    return;
  }
  const hint = 'add `rest: 127.0.0.1:8501`, or `grpc: 127.0.0.1:8500`';
  report.add('HG1102', 'an endpoint needs `rest` or `grpc`', { span: headOf(map, source), hint });
}

function offLoopback(address: string): boolean {
  const parsed = parseHostPort(address);
  return !('fault' in parsed) && !isLoopback(parsed.host);
}
