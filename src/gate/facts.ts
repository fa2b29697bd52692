import type { OriginFacts, QueueFacts, RequestFacts } from '../decision/types.ts';
import type { ConditionReads } from '../plan/types.ts';
import { hostOf, pathOf } from '../protocols/index.ts';
import type { GateRequest } from './types.ts';

export interface FurtherFacts {
  /** Where a condition reads it and it is known. */
  readonly queue: QueueFacts | undefined;
  /** Who the call is made for. */
  readonly origin: OriginFacts | undefined;
}

/** What conditions may read of a request. `nowMs`: the moment of the whole check. */
export function requestFacts(request: GateRequest, nowMs: number, { queue, origin }: FurtherFacts): RequestFacts {
  return {
    listener: request.listener,
    method: request.method,
    path: pathOf(request.target),
    host: hostOf(request.authority) ?? '',
    address: request.address,
    nowMs,
    ...(queue && { queue }),
    ...(origin && { origin }),
    header: (name) => headerValue(request.headers, name),
  };
}

/** Values of one name in order, joined as RFC 9110, section 5.3, has it. `name` in lower case. */
function headerValue(headers: readonly string[], name: string): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== name) continue;
    const value = headers[index + 1] ?? '';
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}

/** Of a request, what a decision can hang on. `reads`: of its service's conditions. */
export function askedOf(request: GateRequest, reads: ConditionReads | undefined): GateRequest {
  const { listener, method, target, authority, message } = request;
  const headers = (reads?.headers ?? []).flatMap((name) => {
    const value = headerValue(request.headers, name);
    return value === undefined ? [] : [name, value];
  });
  const address = reads?.address ? request.address : '';
  return { id: '', listener, method, target: pathOf(target), authority, headers, address, ...(message && { message }) };
}
