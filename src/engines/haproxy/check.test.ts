import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../../diagnostics/index.ts';
import { haproxyServices, servicesIn } from './binary.ts';
import { checkServices, noteVersion } from './check.ts';

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

test('a version that breaks large gRPC answers off is told, where there is gRPC', () => {
  const told = (version: string, address: 'rest' | 'grpc'): string[] => {
    const report = new Report();
    const endpoints = [{ [address]: { host: '127.0.0.1', port: 1 } }];
    noteVersion({ upstreams: [{ service: 'orders', endpoints }] }, version, report);
    return report.diagnostics().map(({ code }) => code);
  };
  assert.deepEqual(told('2.6.12', 'grpc'), ['HG3033']);
  assert.deepEqual(told('2.6.12', 'rest'), []);
  assert.deepEqual(told('3.0.5', 'grpc'), []);
});
