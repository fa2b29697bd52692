import { before } from 'node:test';
import type { EngineName } from '../../../src/plan/types.ts';
import { openedHere } from '../../support/opened.ts';
import { Passage, type PassageWords } from './gateway.ts';
import { ModelServer } from './server.ts';

/** TensorFlow's runtime and a client, for the tests of a suite: to be read within them, when they are there. */
export interface Served<Client> {
  readonly server: ModelServer;
  readonly client: Client;
}

/** The same, with `headgate up` between them. */
export interface Gated<Client> extends Served<Client> {
  readonly passage: Passage;
}

/** To be called where a suite is described: starts both before it, and ends them after it. */
export function servedHere<Client extends { stop(): Promise<void> }>(makeClient: () => Client): Served<Client> {
  const opened = openedHere();
  const parts: { server?: ModelServer; client?: Client } = {};
  before(async () => {
    // Each takes seconds to load TensorFlow: side by side.
    parts.client = opened.adopt(makeClient(), (it) => it.stop());
    parts.server = opened.adopt(await ModelServer.start(), (it) => it.stop());
  });
  return {
    get server() {
      return there(parts.server);
    },
    get client() {
      return there(parts.client);
    },
  };
}

/** The same for an engine before what a suite around this one has. */
export function gatedHere<Client>(engine: EngineName, served: Served<Client>, words?: PassageWords): Gated<Client> {
  const opened = openedHere();
  let passage: Passage | undefined;
  before(async () => {
    passage = opened.adopt(await Passage.open(engine, served.server, words), (it) => it.close());
  });
  return {
    get server() {
      return served.server;
    },
    get client() {
      return served.client;
    },
    get passage() {
      return there(passage);
    },
  };
}

function there<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('it is there within tests only');
  return part;
}
