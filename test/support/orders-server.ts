import { join } from 'node:path';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';

const includeDirs = [join(import.meta.dirname, 'proto'), join(import.meta.dirname, 'descriptors')];
const loaded = loadSync(['health.proto', 'orders.proto'], { keepCase: true, enums: String, includeDirs });
const health = loaded['grpc.health.v1.Health'] as ServiceDefinition;

/** `acme.orders.v1.Orders`, for clients of grpc-js. */
export const ordersService = loaded['acme.orders.v1.Orders'] as ServiceDefinition;

/** A service of grpc-js that answers `Get` with its own name, and says how it is by `grpc.health.v1`. */
export interface OrdersServer {
  readonly port: number;
  readonly name: string;
  /** Ids of orders that were asked for. */
  readonly got: string[];
  /** Names that its health was asked about. */
  readonly asked: string[];
  /** `SERVING`, `NOT_SERVING`…; a number: it answers with that grpc-status; `silent`: not at all. */
  health: string | number;
  close(): Promise<void>;
}

export interface OrdersOptions {
  /** Left out: any that is free. */
  readonly port?: number;
  readonly name?: string;
  /** False: it has no `grpc.health.v1`. */
  readonly hasHealth?: boolean;
}

export async function startOrders({
  port = 0,
  name = 'orders',
  hasHealth = true,
}: OrdersOptions = {}): Promise<OrdersServer> {
  const server = new Server();
  const [got, asked]: [string[], string[]] = [[], []];
  server.addService(ordersService, {
    Get(call: ServerUnaryCall<{ id: string }, object>, done: sendUnaryData<object>): void {
      got.push(call.request.id);
      done(null, { id: name });
    },
  });
  const check = (call: ServerUnaryCall<{ service: string }, object>, done: sendUnaryData<object>): void => {
    asked.push(call.request.service);
    if (typeof running.health === 'number') done({ code: running.health, details: 'so it was told' });
    else if (running.health !== 'silent') done(null, { status: running.health });
  };
  if (hasHealth) server.addService(health, { Check: check });
  const bound = await new Promise<number>((resolve, reject) => {
    const then = (fault: Error | null, found: number): void => (fault === null ? resolve(found) : reject(fault));
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), then);
  });
  const running: OrdersServer = {
    port: bound,
    name,
    got,
    asked,
    health: 'SERVING',
    close: async () => server.forceShutdown(),
  };
  return running;
}

/** Codes of gRPC, by their names. */
export { status as grpcStatus };
