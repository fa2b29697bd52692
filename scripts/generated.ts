import { environmentJsonSchema, policyJsonSchema, testsJsonSchema } from '../src/policy/index.ts';
import { errorsPage } from './errors-page.ts';
import { grafanaDashboard } from './grafana-dashboard.ts';
import { metricsPage } from './metrics-page.ts';

/** Every file that is made from code and committed, by its path from the root. `test/generated.test.ts` holds them true. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['schemas/policy.json', json(policyJsonSchema())],
    ['schemas/environment.json', json(environmentJsonSchema())],
    ['schemas/test.json', json(testsJsonSchema())],
    ['docs/errors.md', errorsPage()],
    ['docs/metrics.md', metricsPage()],
    ['packaging/grafana/headgate.json', json(grafanaDashboard())],
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
