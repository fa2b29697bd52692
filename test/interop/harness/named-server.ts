import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { bytesField } from '../../support/protobuf-bytes.ts';

export interface NamedServer {
  readonly port: number;
  close(): void;
}

const itself = (bytes: Buffer): Buffer => bytes;
/** `SimpleResponse.server_id` of grpc's testing service. */
const serverIdField = 4;

const definition: ServiceDefinition = {
  UnaryCall: {
    ...{ path: '/grpc.testing.TestService/UnaryCall', requestStream: false, responseStream: false },
    ...{ requestSerialize: itself, requestDeserialize: itself, responseSerialize: itself, responseDeserialize: itself },
  },
};

/** What grpc-go's interop server lacks for its client's `pick_first_unary`: a server that says which one it is. */
export async function startNamedServer(): Promise<NamedServer> {
  const server = new Server();
  server.addService(definition, {
    UnaryCall: (_call: unknown, answer: (fault: null, value: Buffer) => void) =>
      answer(null, bytesField(serverIdField, 'the one')),
  });
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (fault: Error | null, found: number): void => (fault === null ? resolve(found) : reject(fault));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  return { port, close: () => server.forceShutdown() };
}
