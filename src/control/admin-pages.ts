import type { GateKeys } from '../gate/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { type AdminPages, jsonPage, textPage } from './admin.ts';
import type { Headgate } from './running.ts';

/** The pages of the admin address. */
export function pagesOf(
  headgate: Headgate,
  { keys, metrics }: { readonly keys: GateKeys; readonly metrics: Metrics },
): AdminPages {
  return {
    '/livez': async () => textPage(200, 'alive'),
    '/readyz': async () => {
      const reason = headgate.unready();
      return reason === undefined ? textPage(200, 'ready') : textPage(503, reason);
    },
    '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await headgate.metricsText() }),
    '/status': async () => jsonPage(await headgate.status()),
    '/.well-known/jwks.json': async () => jsonPage({ keys: keys.published() }, 'application/jwk-set+json'),
  };
}
