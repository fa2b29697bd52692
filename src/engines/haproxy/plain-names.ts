import { isRemovedHeader } from '../../gate/index.ts';
import { headerCountMax } from '../../std/limits.ts';

/** Lists of names that HAProxy knows at once; when there are more, it learns them anew. */
export const namesMax = 1000;
/** Longest list that is learned. */
const listCharactersMax = 1000;
/** Names that a map can hold. */
const listForm = /^[a-z0-9_-]+(,[a-z0-9_-]+)*$/;

/** Fields of one connection, and those whose values have to be looked at. */
export const attendedHeaderPattern =
  '^(connection|proxy-connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|expect|traceparent)$';
const attended = new RegExp(attendedHeaderPattern);

/**
 * The names of a request's fields as HAProxy lists them, if they alone say that there is nothing to do but to remove the credential: none
 * that stands for another's word, for the connection or for a trace, none twice that a key holds once, not too many, and a declared length. Else
 * undefined.
 * `headers`: name, value… `single`: lower-case names that a key holds once. `isGrpc`: of a gRPC call, whose `te` is set anew.
 */
export function plainNames(
  headers: readonly string[],
  single: ReadonlySet<string>,
  isGrpc = false,
): string | undefined {
  if (headers.length > 2 * headerCountMax) return undefined;
  const names = headers.filter((_, index) => index % 2 === 0);
  const seen = new Set<string>();
  for (const name of names) {
    const isRepeated = seen.has(name) && single.has(name);
    const isAttended = attended.test(name) && !(isGrpc && name === 'te');
    if (isRepeated || isAttended || (name !== 'authorization' && isRemovedHeader(name))) return undefined;
    seen.add(name);
  }
  // A body without a declared length is a case of its own.
  if (!isGrpc && !seen.has('content-length')) return undefined;
  const list = names.join(',');
  return list.length <= listCharactersMax && listForm.test(list) ? list : undefined;
}

/** What has to be done to HAProxy's map of lists. */
export interface NameOrders {
  clear(): void;
  add(list: string): void;
}

/** The lists that one HAProxy process knows to be plain: for all others it looks at each name itself, so none has to be known. */
export class KnownNames {
  readonly #orders: NameOrders;
  readonly #single: ReadonlySet<string>;
  readonly #isGrpc: boolean;
  #known = new Set<string>();

  constructor(orders: NameOrders, readHeaders: readonly string[], isGrpc = false) {
    this.#orders = orders;
    this.#isGrpc = isGrpc;
    this.#single = new Set(['host', 'authorization', ...readHeaders]);
  }

  learn(headers: readonly string[]): void {
    const list = plainNames(headers, this.#single, this.#isGrpc);
    if (list === undefined || this.#known.has(list)) return;
    if (this.#known.size >= namesMax) {
      this.#known = new Set();
      this.#orders.clear();
    }
    this.#known.add(list);
    this.#orders.add(list);
  }
}
