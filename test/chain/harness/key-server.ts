import { createServer } from 'node:http';
import { loadGateKeys } from '../../../src/gate/index.ts';
import { systemClock } from '../../../src/std/clock.ts';
import { closeServer, listen } from '../../conformance/harness/issuer.ts';
import type { StubKey } from '../../support/stub-issuer.ts';

/** The key set of a gateway, as its admin address publishes it. */
export interface KeyServer {
  readonly url: string;
  /** The key that the gateway signs with, for what no honest gateway would sign. */
  readonly signer: StubKey;
  close(): Promise<void>;
}

/** `state`: the gateway's folder. */
export async function startKeyServer(state: string): Promise<KeyServer> {
  const keys = await loadGateKeys(state, systemClock);
  const { keyId: kid, privateKey } = keys.signer();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: keys.published() }));
  });
  const url = `http://127.0.0.1:${await listen(server)}/.well-known/jwks.json`;
  // The public half is nobody's need here.
  return { url, signer: { kid, alg: 'EdDSA', privateKey, publicKey: privateKey }, close: () => closeServer(server) };
}
