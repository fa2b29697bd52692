import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  readonly endsAtMs: number;
}

/** Sessions, codes and grants of the demo's provider: in memory, gone when it ends. */
export function memoryAdapter(): (kind: string) => Adapter {
  const entries = new Map<string, Entry>();
  return (kind) => {
    const live = ([key, { endsAtMs }]: [string, Entry]): boolean => key.startsWith(`${kind}:`) && endsAtMs > Date.now();
    const findBy = async (matches: (payload: AdapterPayload) => boolean): Promise<AdapterPayload | undefined> =>
      [...entries].find((entry) => live(entry) && matches(entry[1].payload))?.[1].payload;
    const drop = (unwanted: (entry: [string, Entry]) => boolean): void => {
      for (const entry of [...entries]) if (unwanted(entry)) entries.delete(entry[0]);
    };
    return {
      async upsert(id, payload, expiresInSeconds) {
        drop(([, { endsAtMs }]) => endsAtMs <= Date.now());
        const endsAtMs =
          expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresInSeconds * 1000;
        entries.set(`${kind}:${id}`, { payload, endsAtMs });
      },
      async find(id) {
        const key = `${kind}:${id}`;
        const entry = entries.get(key);
        return entry !== undefined && live([key, entry]) ? entry.payload : undefined;
      },
      findByUid: (uid) => findBy((payload) => payload.uid === uid),
      findByUserCode: (code) => findBy((payload) => payload.userCode === code),
      async consume(id) {
        const entry = entries.get(`${kind}:${id}`);
        if (entry !== undefined) entry.payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        entries.delete(`${kind}:${id}`);
      },
      async revokeByGrantId(grantId) {
        drop(([, { payload }]) => payload.grantId === grantId);
      },
    };
  };
}
