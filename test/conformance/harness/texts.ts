import { join } from 'node:path';
import { compile } from '../../../src/compile/index.ts';
import { renderTerminal } from '../../../src/diagnostics/index.ts';
import type { EngineName, Plan } from '../../../src/plan/types.ts';
import { parseEnvironment, parsePolicy } from '../../../src/policy/index.ts';

export interface Bindings {
  readonly environment: string;
  readonly issuers: readonly string[];
  readonly upstreamPorts: readonly number[];
  /** What the policy calls the service; `scoring` unless given. */
  readonly serviceName?: string;
  /** Versions of models, as one line of YAML. */
  readonly models?: string;
  /** Further identities, each as one line of YAML: `relay: { … }`. */
  readonly identity?: readonly string[];
  /** Further keys of the service, each as one line of YAML. */
  readonly service?: readonly string[];
  /** gRPC ports of the same replicas; alone where there are no others. */
  readonly grpcPorts?: readonly number[];
  /** `64MB` */
  readonly body?: string;
  /** A listener `secure` beside the public one, by these files. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Compiles two texts, and fails with what a person would read. */
export function compileTexts(policyText: string, environment: string): Plan {
  const policy = parsePolicy(policyText, 'headgate.yaml');
  const bindings = parseEnvironment(environment, 'environment.yaml');
  const compiled = policy.value && bindings.value ? compile(policy.value, bindings.value) : undefined;
  if (compiled?.value !== undefined) return compiled.value;
  const found = [...policy.diagnostics, ...bindings.diagnostics, ...(compiled?.diagnostics ?? [])];
  const sources = new Map([
    ['headgate.yaml', policyText],
    ['environment.yaml', environment],
  ]);
  throw new Error(`the case does not compile:\n${renderTerminal(found, { sources })}`);
}

export function environmentText(engine: EngineName, bindings: Bindings, folder: string): string {
  return [
    'version: 1',
    `environment: ${bindings.environment}`,
    `engine: ${engine}`,
    `state: ${folder}`,
    'listeners:',
    '  - { name: public, address: 127.0.0.1:0 }',
    '  - { name: internal, address: 127.0.0.1:0 }',
    ...secureListener(bindings),
    'identity:',
    `  staff: { issuers: [${bindings.issuers.join(', ')}] }`,
    ...(bindings.identity ?? []).map((line) => `  ${line}`),
    'services:',
    `  ${bindings.serviceName ?? 'scoring'}:`,
    '    endpoints:',
    ...endpointLines(bindings),
    ...(bindings.models === undefined ? [] : [`    models: ${bindings.models}`]),
    ...(bindings.service ?? []).map((line) => `    ${line}`),
    ...(bindings.body === undefined ? [] : [`bounds: { body: ${bindings.body} }`]),
    `audit: { directory: ${join(folder, 'audit')}, record: required }`,
    'admin: 127.0.0.1:0',
    '',
  ].join('\n');
}

function endpointLines({ upstreamPorts, grpcPorts = [] }: Bindings): string[] {
  if (upstreamPorts.length === 0) return grpcPorts.map((port) => `      - 127.0.0.1:${port}`);
  return upstreamPorts.map((port, index) => {
    const grpc = grpcPorts[index];
    return `      - { rest: 127.0.0.1:${port}${grpc === undefined ? '' : `, grpc: 127.0.0.1:${grpc}`} }`;
  });
}

function secureListener({ tls }: Bindings): string[] {
  if (tls === undefined) return [];
  return [`  - { name: secure, address: 127.0.0.1:0, tls: { certificate: ${tls.certificate}, key: ${tls.key} } }`];
}
