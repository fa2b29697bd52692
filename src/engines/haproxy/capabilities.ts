import type { Capability, Feature } from '../engine.ts';

/** What HAProxy does by itself, and what it keeps of the gate's answers. README.md says how. */
export const capabilities: Readonly<Record<Feature, Capability>> = {
  http1: 'native',
  h2c: 'native',
  tls: 'native',
  grpc: 'native',
  'grpc-streams': 'native',
  'stream-policy': 'native',
  'stream-end-status': 'assisted',
  // It resets with CANCEL where the service has reset with NO_ERROR, in the same breath (until 3.2).
  'stream-early-end': 'refused',
  // A reset of the service's is CANCEL to a client that is still sending, and an end without trailers to others.
  'stream-reset-status': 'refused',
  // Only a filter sees messages, and costs each call as much as all the rest.
  'message-counts': 'refused',
  // It knows no age of a connection.
  'connection-age': 'refused',
  'balance-least-in-flight': 'native',
  'limit-per-caller': 'native',
  'limit-per-rule': 'native',
  // Its parser answers what it can't parse before any configuration is asked (2.6: a page of its own, status 400).
  'problem-for-no-http': 'refused',
  // Its parser mends it before anybody sees it: the gate and the service are given the same, mended request.
  'refuses-mendable-http': 'refused',
  'epoch-without-reload': 'native',
  'structure-without-restart': 'native',
  'certificate-without-restart': 'native',
  'replicas-without-reload': 'native',
  health: 'native',
  'readiness-by-model': 'assisted',
  ejection: 'native',
  sequence: 'assisted',
  queue: 'assisted',
  retry: 'native',
  // It doesn't see trailers.
  'retry-grpc-status': 'refused',
  deadline: 'native',
  'grpc-timeout': 'native',
  coalesce: 'assisted',
  'compress-gzip': 'native',
  'compress-br': 'assisted',
  'compress-zstd': 'assisted',
  'compress-requests': 'assisted',
};
