import { isScalar } from 'yaml';
import { isIpAddress, parseHostPort } from '../../std/host-port.ts';
import { shown } from '../shown.ts';
import { hasAny, headOf, pairOf, spanOf, textAt } from '../tree.ts';
import type { CheckedItems, CheckedMap, Fault } from './notes.ts';

/** A queue of a model: whoever may wait may do so for a while, and the other way round. */
export function checkQueue({ map, source, report }: CheckedMap): void {
  const waiting = pairOf(map, 'waiting');
  const wait = pairOf(map, 'wait');
  const alone = waiting === undefined ? wait : wait === undefined ? waiting : undefined;
  if (alone === undefined) return;
  const [message, hint] =
    alone === wait
      ? ['`wait` says how long, and nothing says how many', 'add `waiting: 200`, or remove `wait`: then none waits']
      : [
          '`waiting` says how many, and nothing says how long',
          'add `wait: 500ms`, or remove `waiting`: then none waits',
        ];
  report.add('HG1322', message, { span: spanOf(alone.key, source), hint });
}

/** The queue of a service may say something of models alone. */
export function checkQueues(checked: CheckedMap): void {
  checkQueue(checked);
  const { map, source, report } = checked;
  if (map.items.length === 0 || hasAny(map, ['inFlight'])) return;
  if (hasAny(map, ['models']) && !hasAny(map, ['waiting', 'wait'])) return;
  const hint = 'add `inFlight: 64`: calls beyond them wait';
  report.add('HG1102', 'a queue needs `inFlight`', { span: headOf(map, source), hint });
}

/** Each coding is named once. */
export function checkAnswerCodings({ items, source, report }: CheckedItems): void {
  const seen = new Set<unknown>();
  for (const item of items) {
    const value = isScalar(item) ? item.value : undefined;
    if (typeof value !== 'string' || !seen.has(value)) seen.add(value);
    else report.add('HG1107', 'this coding is named a second time', { span: spanOf(item, source), hint: 'remove it' });
  }
}

/** `dns:models.internal:8501`; undefined where it is none. */
export function dnsPart(written: string): string | undefined {
  return written.startsWith('dns:') ? written.slice('dns:'.length) : undefined;
}

/** After `dns:` comes a name, not an address. */
export function dnsFault(rest: string): Fault | undefined {
  const address = parseHostPort(rest);
  if ('fault' in address || !isIpAddress(address.host)) return undefined;
  const message = `\`${shown(address.host)}\` is an address already, and no name to look up`;
  return { code: 'HG1323', message, hint: `write \`${shown(rest)}\`` };
}

/** Both addresses of an endpoint are of one replica. */
export function checkDnsPair({ map, source, report }: CheckedMap): void {
  const [rest, grpc] = [textAt(map, 'rest'), textAt(map, 'grpc')];
  if (rest === undefined || grpc === undefined) return;
  const [restName, grpcName] = [dnsPart(rest.text), dnsPart(grpc.text)];
  if (restName === undefined && grpcName === undefined) return;
  const span = spanOf(grpc.node, source);
  if (restName === undefined || grpcName === undefined) {
    const plain = restName === undefined ? 'rest' : 'grpc';
    const hint = `write \`dns:\` before the address of \`${plain}\` too`;
    report.add('HG1323', 'one address of this endpoint is looked up and the other is not', { span, hint });
    return;
  }
  const [first, second] = [parseHostPort(restName), parseHostPort(grpcName)];
  if ('fault' in first || 'fault' in second || first.host === second.host) return;
  const message = `\`${shown(second.host)}\` is another name than \`${shown(first.host)}\`, and both are of one replica`;
  report.add('HG1323', message, { span, hint: `write \`grpc: dns:${first.host}:${second.port}\`` });
}
