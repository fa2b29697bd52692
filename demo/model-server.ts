import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { createGrpc } from './grpc.ts';
import { loadModels } from './models.ts';
import { createRest } from './rest.ts';

/**
 * One replica of the sample model server, on loopback: TensorFlow Serving's REST and gRPC over small trained networks.
 *   node demo/model-server.ts --rest 8501 --grpc 8500 --name replica-1
 */
export interface Replica {
  readonly restPort: number;
  readonly grpcPort: number;
  close(): Promise<void>;
}

export async function startReplica(options: { rest: number; grpc: number; name: string }): Promise<Replica> {
  const models = loadModels();
  const rest = createRest(models, options.name);
  const grpc = createGrpc(models);
  const restPort = await listen(rest, options.rest);
  const grpcPort = await bind(grpc, options.grpc);
  return {
    restPort,
    grpcPort,
    async close() {
      grpc.forceShutdown();
      rest.closeAllConnections();
      await new Promise((resolve) => rest.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function bind(server: GrpcServer, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (fault, bound) => {
      if (fault === null) resolve(bound);
      else reject(fault);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rest: { type: 'string', default: '8501' },
      grpc: { type: 'string', default: '8500' },
      name: { type: 'string', default: 'replica' },
    },
  });
  const replica = await startReplica({ rest: Number(values.rest), grpc: Number(values.grpc), name: values.name });
  console.log(`${values.name}: REST on 127.0.0.1:${replica.restPort}, gRPC on 127.0.0.1:${replica.grpcPort}`);
  if (process.send === undefined) return;
  // Started by the demo, it ends when the demo does, however that ends.
  process.once('disconnect', () => process.exit(0));
  process.send({ restPort: replica.restPort, grpcPort: replica.grpcPort });
}

if (import.meta.main) await main();
