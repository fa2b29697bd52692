import type { Plan } from '../../plan/types.ts';
import { gateTimeoutMs } from '../../std/limits.ts';
import { backends, files, frontendName, spoeEngine, spoeGroup, variables } from './names.ts';
import type { Place } from './place.ts';
import { call, chain, configuration, type Directive, directive, type Sample } from './print.ts';
import { variable } from './words.ts';

export const spoeMessage = 'request';

/** What HAProxy tells the gate of a request: all of it but the body. */
export const askArguments = {
  worker: 'worker',
  id: 'id',
  listener: 'listener',
  backend: 'backend',
  key: 'key',
  message: 'message',
  method: 'method',
  version: 'version',
  url: 'url',
  target: 'target',
  authority: 'authority',
  headers: 'headers',
  address: 'address',
} as const;

/** Has a backend ask the gate. It stands only where it is needed, because each call pays for it. */
export function spoeFilter({ directory }: Place): Directive {
  return directive(['filter', 'spoe', 'engine', spoeEngine, 'config', `${directory}/${files.spoe}`]);
}

/** The file of the SPOE filter. */
export function spoeText(plan: Plan, place: Place): string {
  const samples: Record<keyof typeof askArguments, Sample> = {
    worker: call('str', place.worker),
    id: call('unique-id'),
    listener: call('fe_name'),
    backend: variable(variables.backend),
    key: variable(variables.key),
    message: variable(variables.message),
    method: call('method'),
    version: call('req.ver'),
    url: call('url'),
    target: call('pathq'),
    authority: call('req.fhdr', 'host', 1),
    headers: call('req.hdrs_bin'),
    address: call('src'),
  };
  const names = Object.keys(samples) as (keyof typeof samples)[];
  const listeners = plan.listeners.map(({ name }, position) => `${frontendName(position + 1)} is the listener ${name}`);
  return configuration(
    listeners.filter((each) => /^[\x20-\x7e]*$/.test(each)),
    [
      {
        head: [`[${spoeEngine}]`],
        lines: [],
      },
      {
        head: ['spoe-agent', spoeEngine],
        lines: [
          directive(['groups', spoeGroup]),
          directive(['option', 'var-prefix', 'g']),
          directive(['option', 'continue-on-error']),
          directive(['no', 'option', 'async']),
          directive(['option', 'pipelining']),
          directive(['no', 'option', 'send-frag-payload']),
          directive(['max-waiting-frames', 200]),
          directive(['timeout', 'hello', `${gateTimeoutMs}ms`]),
          directive(['timeout', 'idle', '30m']),
          directive(['timeout', 'processing', `${gateTimeoutMs}ms`]),
          directive(['use-backend', backends.gate]),
        ],
      },
      { head: ['spoe-group', spoeGroup], lines: [directive(['messages', spoeMessage])] },
      {
        head: ['spoe-message', spoeMessage],
        lines: [directive(['args', ...names.map((name) => chain(`${askArguments[name]}=${samples[name]}` as Sample))])],
      },
    ],
  );
}
