import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../../diagnostics/index.ts';
import { haproxyServices, servicesIn } from './binary.ts';
import { checkServices } from './check.ts';

test('the installed HAProxy has its exporter; a build without it is refused', async () => {
  const told = (services: readonly string[]): string[] => {
    const report = new Report();
    checkServices(services, report);
    return report.diagnostics().map(({ code }) => code);
  };
  assert.deepEqual(told(await haproxyServices()), []);
  assert.deepEqual(told(servicesIn('Available services : fake\nAvailable filters :\n')), ['HG3003']);
  assert.deepEqual(told(servicesIn('')), ['HG3003']);
});
