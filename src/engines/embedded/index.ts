import type { Engine } from '../engine.ts';
import { refusedFeatures } from '../refused.ts';
import { assistEmbedded } from './assist.ts';

import { runEmbedded } from './run.ts';

/** The engine that needs nothing but Node: worker threads, each with a gate of its own in process. */
export const embedded: Engine = {
  name: 'embedded',
  capabilities: {
    http1: 'native',
    h2c: 'native',
    tls: 'native',
    grpc: 'native',
    'grpc-streams': 'native',
    'stream-policy': 'native',
    'stream-end-status': 'native',
    'stream-early-end': 'native',
    'stream-reset-status': 'native',
    'message-counts': 'native',
    'connection-age': 'native',
    'balance-least-in-flight': 'native',
    'limit-per-caller': 'native',
    'limit-per-rule': 'native',
    'problem-for-no-http': 'native',
    'refuses-mendable-http': 'native',
    'epoch-without-reload': 'native',
    'structure-without-restart': 'native',
    'certificate-without-restart': 'native',
    'replicas-without-reload': 'native',
    health: 'native',
    'readiness-by-model': 'native',
    ejection: 'native',
    sequence: 'native',
    queue: 'native',
    retry: 'native',
    'retry-grpc-status': 'native',
    deadline: 'native',
    'grpc-timeout': 'native',
    coalesce: 'native',
    'compress-gzip': 'native',
    'compress-br': 'native',
    'compress-zstd': 'native',
    'compress-requests': 'native',
  },
  check: async (plan) => refusedFeatures(embedded, plan),
  realize: () => ({ files: {} }),
  run: runEmbedded,
  assist: assistEmbedded,
};
