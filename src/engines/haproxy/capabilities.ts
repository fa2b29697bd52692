import type { Capability, Feature } from '../engine.ts';

/** What HAProxy does by itself, and what it keeps of the gate's answers. README.md says how. */
export const capabilities: Readonly<Record<Feature, Capability>> = {
  http1: 'native',
  h2c: 'native',
  tls: 'native',
  'balance-least-in-flight': 'native',
  'limit-per-caller': 'native',
  'limit-per-rule': 'native',
  'epoch-without-reload': 'native',
  'structure-without-restart': 'native',
};
