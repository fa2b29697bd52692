/** One API key, as it is told to an operator: never with its secret. Times in milliseconds since the epoch. */
export interface ApiKey {
  /** 22 characters of base62; part of the key's text, and no secret. */
  readonly id: string;
  /** What groups of the policy name it by. During a rotation two valid keys have one name. */
  readonly name: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly createdMs: number;
  /** From then on it is refused. Earlier than at first where it was rotated. */
  readonly endsMs: number;
  readonly revokedMs?: number;
}

/** A key with what its secret part is held against. */
export interface StoredKey extends ApiKey {
  /** SHA-256 of the secret part: 32 bytes. */
  readonly hash: Uint8Array;
}

/** What became of a key, in the order in which it became so. */
export interface KeyChange {
  /** Counts from 1 over the life of the store. */
  readonly number: number;
  /** `rotated`: the key is the new one, and those before it end by `endsMs`. */
  readonly kind: 'created' | 'rotated' | 'revoked';
  readonly keyId: string;
  readonly name: string;
  readonly owner: string;
  /** The operating system's user. */
  readonly by: string;
  readonly atMs: number;
  /** When the key ends; of a rotation when the one before it does. */
  readonly endsMs: number;
}

/** A gateway at work on the store. */
export interface KeyGateway {
  /** Names one life of it. */
  readonly run: string;
  readonly engine: string;
  readonly environment: string;
  readonly pid: number;
  /** Number of the last change that all of its engine's processes have confirmed. */
  readonly confirmed: number;
  readonly confirmedMs: number;
  /** The processes that did, as a person reads them: `haproxy (pid 4711)`. */
  readonly processes: readonly string[];
}

/** What a gate asks: never more than one key. */
export interface KeyFinder {
  /** The key with this id. Throws `StoreFault` where the store can't be asked: then nobody is let in by a key. */
  find(id: string): StoredKey | undefined;
}

export interface NewKey {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly name: string;
  readonly endsMs: number;
}

export interface KeyStore extends KeyFinder {
  /** All keys, ended ones too, by name, the newest first. */
  list(): readonly ApiKey[];
  /** Throws `KeyRefusal` where the name has a valid key. */
  create(key: NewKey & { readonly owner: string }, act: Act): KeyChange;
  /** Adds a key beside the one that is valid, which ends at `oldEndsMs` at the latest. Throws `KeyRefusal` unless just one is. */
  rotate(key: NewKey, oldEndsMs: number, act: Act): KeyChange;
  /** Ends keys for good. Those that are revoked already stay as they are. One change for each that wasn't. */
  revoke(ids: readonly string[], act: Act): readonly KeyChange[];
  /** Changes after this number, in order, at most `changesMax`. */
  changesAfter(number: number): readonly KeyChange[];
  /** Number of the last change before this time; 0 where there is none. */
  lastChangeBefore(timeMs: number): number;
  /** Changes that the audit trail doesn't have yet, in order. */
  unaudited(): readonly KeyChange[];
  /** The audit trail has all up to this number. */
  noteAudited(number: number): void;
  /** Differs after another process has written. */
  version(): number;
  gateways(): readonly KeyGateway[];
  /** A gateway takes its place: the only one on this store, so that whatever was noted of others goes. */
  join(gateway: KeyGateway): void;
  confirm(gateway: Pick<KeyGateway, 'run' | 'confirmed' | 'confirmedMs' | 'processes'>): void;
  leave(run: string): void;
  close(): void;
}

/** Who does something, and when. */
export interface Act {
  readonly by: string;
  readonly nowMs: number;
}
