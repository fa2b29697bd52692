import type { Engine } from '../engines/engine.ts';
import type { EngineName } from '../plan/types.ts';

const loaders: Readonly<Record<EngineName, () => Promise<Engine>>> = {
  embedded: async () => (await import('../engines/embedded/index.ts')).embedded,
  haproxy: async () => (await import('../engines/haproxy/index.ts')).haproxy,
};

export const engineNames: readonly EngineName[] = ['embedded', 'haproxy'];

/** Loads one engine, and only that one. */
export function loadEngine(name: EngineName): Promise<Engine> {
  return loaders[name]();
}
