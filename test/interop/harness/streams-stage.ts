import { eventually } from '../../conformance/harness/gateway.ts';
import type { FaultGateway } from '../../faults/harness/gateway.ts';
import { type Fields, JsClient } from './js-client.ts';
import { PythonClient, type PythonFields } from './python-client.ts';
import { callersPolicy, type InteropStage, openInterop } from './stage.ts';
import { type Kind, type ServedCall, type StreamsServer, servicePath, startStreamsServer } from './streams-server.ts';

/** A gateway before a server of all four kinds, with a client of grpc-js and one of grpcio. */
export interface StreamsStage extends InteropStage {
  readonly server: StreamsServer;
  readonly js: JsClient;
  readonly python: PythonClient;
  /** `key` for the client of grpcio. */
  readonly pythonKey: PythonFields;
}

export const streamsPolicy = callersPolicy('streams', [`${servicePath}/*`]);

export async function openStreams(opened: AsyncDisposableStack, engine: FaultGateway['engine']): Promise<StreamsStage> {
  const server = opened.adopt(await startStreamsServer(), (it) => it.close());
  const service = `streams: { endpoints: [127.0.0.1:${server.port}] }`;
  const stage = await openInterop(opened, { engine, policy: streamsPolicy, service });
  const js = opened.use(new JsClient(stage.gateway.port, stage.key));
  const python = opened.adopt(new PythonClient(), (it) => it.stop());
  return { ...stage, server, js, python, pythonKey: pythonFields(stage.key) };
}

function pythonFields(fields: Fields): PythonFields {
  return Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
}

/** The last call of a kind that the server has, once it stands so. */
export function untilServed(
  server: StreamsServer,
  kind: Kind,
  is: (call: ServedCall) => boolean,
  withinMs = 5000,
): Promise<ServedCall> {
  return eventually(() => {
    const call = server.calls.findLast((each) => each.kind === kind);
    if (call === undefined) return `the server has no call of ${kind}`;
    const { state, messages, bytes, written } = call;
    return is(call) ? call : `${kind}: ${JSON.stringify({ state, messages, bytes, written })}`;
  }, withinMs);
}
