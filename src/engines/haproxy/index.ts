import type { Engine } from '../engine.ts';
import { capabilities } from './capabilities.ts';
import { checkHaproxy } from './check.ts';
import { realizeHaproxy } from './realize.ts';
import { runHaproxy } from './run.ts';
import { assistSocketOf } from './sockets.ts';

export { livingProcesses } from './orphans.ts';

/** HAProxy 2.6 and later: it asks the gate over SPOE, and keeps what the gate answered. */
export const haproxy: Engine = {
  name: 'haproxy',
  capabilities,
  check: checkHaproxy,
  realize: (plan) => realizeHaproxy(plan),
  run: runHaproxy,
  assistSocket: assistSocketOf,
};
