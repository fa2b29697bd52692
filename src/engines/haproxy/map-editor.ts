import { join } from 'node:path';
import type { MapOrders } from './ledger.ts';
import { grpcNamesMap, namesMap, recordMaps, variables } from './names.ts';
import type { Place } from './place.ts';
import type { NameOrders } from './plain-names.ts';
import { mapLine } from './print.ts';
import { commandCharactersMax, type RuntimeApi } from './runtime-api.ts';

/** What a list of names maps to; that it is there is what counts. */
const present = '1';

/**
 * Gives orders to the maps of one HAProxy process, in the order in which they are made, several additions to one map in one command.
 * An order that fails leaves misses behind, which are asked anew.
 */
export class MapEditor {
  readonly permits: MapOrders;
  readonly names: NameOrders;
  readonly grpcNames: NameOrders;
  readonly #api: RuntimeApi;
  readonly #log: (line: string) => void;
  readonly #permitMaps: readonly [string, string];
  /** Additions that wait for others, to one map. */
  #waiting: { readonly map: string; lines: string[] } | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(api: RuntimeApi, { directory }: Place, log: (line: string) => void) {
    this.#api = api;
    this.#log = log;
    const [first, second] = recordMaps;
    this.#permitMaps = [join(directory, first), join(directory, second)];
    this.permits = {
      turn: (half) => {
        this.#order(`clear map ${this.#permitMaps[half]}`);
        this.#order(`set var ${variables.half} int(${half})`);
      },
      add: (half, key, record) => this.#add(this.#permitMaps[half], mapLine(key, record)),
      remove: (half, key) => this.#order(`del map ${this.#permitMaps[half]} ${key}`),
    };
    const orders = (file: string): NameOrders => ({
      clear: () => this.#order(`clear map ${file}`),
      add: (list) => this.#add(file, mapLine(list, present)),
    });
    this.names = orders(join(directory, namesMap));
    this.grpcNames = orders(join(directory, grpcNamesMap));
  }

  /** Resolves when all that was ordered has been done; rejects where the last order got no answer. */
  async done(): Promise<void> {
    this.#flush();
    await this.#last;
  }

  #add(map: string, line: string): void {
    if (this.#waiting?.map !== map) {
      this.#flush();
      this.#waiting = { map, lines: [] };
      setImmediate(() => this.#flush());
    }
    this.#waiting.lines.push(line);
  }

  #flush(): void {
    const { map, lines } = this.#waiting ?? { map: '', lines: [] };
    this.#waiting = undefined;
    let payload = '';
    for (const line of lines) {
      if (payload.length + line.length > commandCharactersMax) {
        this.#send(`add map ${map} <<\n${payload}`);
        payload = '';
      }
      payload += line;
    }
    if (payload !== '') this.#send(`add map ${map} <<\n${payload}`);
  }

  #order(command: string): void {
    this.#flush();
    this.#send(command);
  }

  /** What it says to an order that it has taken is no news: nothing, the new value, or that there was nothing to remove. */
  #send(command: string): void {
    this.#last = this.#api.ask(command).then((said) => {
      if (command.startsWith('add ') && said !== '') this.#log(`haproxy: ${command.split('\n')[0]}: ${said}`);
    });
    this.#last.catch((error: unknown) => this.#log(`haproxy: ${error instanceof Error ? error.message : error}`));
  }
}
