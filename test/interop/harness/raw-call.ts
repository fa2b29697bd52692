import type { Fields, JsClient } from './js-client.ts';
import { servicePath } from './streams-server.ts';

/** Names and values of a head, in order. */
export type RawFields = readonly (readonly [name: string, value: string])[];

/** What every call of gRPC has, to a method of the server of all four kinds. */
export function callFields(key: Fields, method: string, more: Readonly<Record<string, string>> = {}): RawFields {
  const fields: Record<string, string> = {
    ...{ ':method': 'POST', ':scheme': 'http', ':path': `/${servicePath}/${method}`, ':authority': 'localhost' },
    ...{ te: 'trailers', 'content-type': 'application/grpc' },
    ...Object.fromEntries(Object.entries(key).map(([name, value]) => [name, String(value)])),
    ...more,
  };
  return Object.entries(fields).filter(([, value]) => value !== '');
}

/** A caller who goes on calling, and how it fared. */
export interface GoodCaller {
  stop(): Promise<{ readonly calls: number; readonly failures: readonly string[] }>;
}

export function startGoodCaller(client: JsClient): GoodCaller {
  const failures: string[] = [];
  let calls = 0;
  let isRunning = true;
  const running = (async () => {
    while (isRunning) {
      const { code, details } = await client.call('Unary', { timeoutMs: 20_000 }).ended;
      calls += 1;
      if (code !== 0) failures.push(`${code} ${details}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: async () => {
      isRunning = false;
      await running;
      return { calls, failures };
    },
  };
}
