import { tensorflowServing } from './tensorflow-serving.ts';

export type Protocol = 'tensorflow-serving';

/** One operation of a protocol. */
export interface OperationRow {
  readonly name: string;
  /** What a rule's `to` names. */
  readonly action: string;
  /** Exact; HEAD is not GET. */
  readonly method: string;
  /**
   * `{model}` and `{label}` are a segment's text up to `:`, `{version}` a canonical decimal up to 2⁶³−1, `[…|…]` is one of
   * these or none, and `:verb` may end the last segment. Compared byte for byte.
   */
  readonly path: string;
  /** Variables of `path` that make up the resource. */
  readonly resource: readonly ('model' | 'version')[];
  /** May be sent again after a failure. */
  readonly safe: boolean;
}

/** Every operation of every protocol: the router, the engines' conditions and the docs come from here. */
export const operationTables: Readonly<Record<Protocol, readonly OperationRow[]>> = {
  'tensorflow-serving': tensorflowServing,
};

/** What a rule's `to` may name for a service of this protocol, in the table's order. */
export function knownActions(protocol: Protocol): readonly string[] {
  return [...new Set(operationTables[protocol].map((row) => row.action))];
}
