import { matchesSegment } from '../decision/index.ts';

/** The methods of one service, by the service of Protocol Buffers that each is of: a pattern is held against those first. */
export class MethodIndex {
  /** `acme.orders.v1.Orders` → `Get`… */
  readonly #services = new Map<string, Set<string>>();

  /** `names`: `acme.orders.v1.Orders/Get`… */
  constructor(names: Iterable<string>) {
    for (const name of names) {
      const [service = '', method = ''] = name.split('/');
      const own = this.#services.get(service) ?? new Set();
      this.#services.set(service, own.add(method));
    }
  }

  get services(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** Names of the methods of one of them. */
  methodsOf(service: string): readonly string[] {
    return [...(this.#services.get(service) ?? [])];
  }

  /** Whole names of those that a pattern matches. */
  *matching(segments: readonly string[]): Generator<string> {
    const [service = '', method = ''] = segments.length === 1 && segments[0] === '**' ? ['*', '*'] : segments;
    if (segments.length > 2 || method === '') return;
    for (const each of matchingOf(service, this.#services)) {
      for (const own of matchingOf(method, this.#services.get(each) ?? new Set())) yield `${each}/${own}`;
    }
  }
}

interface Named {
  has(name: string): boolean;
  keys(): Iterable<string>;
}

function* matchingOf(pattern: string, names: Named): Generator<string> {
  if (!pattern.includes('*')) {
    if (names.has(pattern)) yield pattern;
    return;
  }
  for (const name of names.keys()) if (pattern === '**' || matchesSegment(pattern, name)) yield name;
}
