import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callPaths } from '../call-paths.ts';
import { grpcAnswer, grpcPath } from '../grpc-messages.ts';
import { freePort, loadCore, proxyCore, start } from '../processes.ts';
import { envoyProgram } from './envoy.ts';
import type { Side, SideSetting } from './side.ts';

const readyMsMax = 15_000;
const pollMs = 50;

/** Settings of a side that is spoken to in gRPC. */
export interface GrpcSetting extends SideSetting {
  /** Where the replica listens for gRPC. */
  readonly grpcPort: number;
  /** A small message in its frame. */
  readonly message: Buffer;
}

/** nghttpd, answering every call with the same message and trailers, on the core of the load. */
export async function startGrpcReplica(folder: string, message: Buffer): Promise<Side> {
  const port = await freePort();
  const file = join(folder, 'www', grpcPath);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, grpcAnswer);
  const output = join(folder, 'nghttpd.log');
  // Windows of 1 and 16 MB, so that it is never what is waited for.
  const options = [
    '--no-tls',
    '--trailer',
    'grpc-status: 0',
    '-w',
    '20',
    '-W',
    '24',
    '-d',
    join(folder, 'www'),
    String(port),
  ];
  const process = start({ program: 'nghttpd', arguments: options, core: loadCore, output });
  return untilGrpcReady({ name: 'replica', port, process }, { token: 'none', message, output });
}

/** A replica of any gRPC service, on the core of the load. */
export async function startCallsReplica(folder: string): Promise<Side> {
  const port = await freePort();
  const output = join(folder, 'calls-replica.log');
  const script = fileURLToPath(new URL('calls-replica.ts', import.meta.url));
  const words = [script, String(port)];
  const process = start({ program: globalThis.process.execPath, arguments: words, core: loadCore, output });
  const asking = { token: 'none', message: Buffer.alloc(5), output, path: callPaths.get };
  return untilGrpcReady({ name: 'calls-replica', port, process }, asking);
}

/** HAProxy forwarding bare over h2c, with its ordinary access log to a file. */
export async function startBareGrpcHaproxy({ folder, grpcPort, token, message }: GrpcSetting): Promise<Side> {
  const port = await freePort();
  const output = join(folder, 'bare-haproxy.log');
  const config = fileURLToPath(new URL('../config/bare-grpc.cfg', import.meta.url));
  const environment = { PORT: String(port), UPSTREAM_PORT: String(grpcPort) };
  const process = start({ program: 'haproxy', arguments: ['-db', '-f', config], core: proxyCore, output, environment });
  return untilGrpcReady({ name: 'bare-haproxy', port, process }, { token, message, output });
}

/** Envoy forwarding bare over h2c, one worker, with an access log to a file. */
export async function startBareGrpcEnvoy({ folder, grpcPort, token, message }: GrpcSetting): Promise<Side> {
  const port = await freePort();
  const output = join(folder, 'envoy.log');
  const config = join(folder, 'envoy.json');
  writeFileSync(config, JSON.stringify(envoyConfig({ folder, grpcPort, port })));
  const options = ['-c', config, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
  const process = start({ program: envoyProgram, arguments: options, core: proxyCore, output });
  return untilGrpcReady({ name: 'bare-envoy', port, process }, { token, message, output });
}

interface EnvoyPorts {
  readonly folder: string;
  readonly grpcPort: number;
  readonly port: number;
}

function envoyConfig({ folder, grpcPort, port }: EnvoyPorts): unknown {
  const type = (kind: string): string => `type.googleapis.com/envoy.extensions.${kind}`;
  const address = (value: number) => ({ socket_address: { address: '127.0.0.1', port_value: value } });
  const log = { '@type': type('access_loggers.file.v3.FileAccessLog'), path: join(folder, 'envoy-access.log') };
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'public',
    codec_type: 'HTTP2',
    access_log: [{ name: 'file', typed_config: log }],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'models', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
  };
  const protocol = {
    '@type': type('upstreams.http.v3.HttpProtocolOptions'),
    explicit_http_config: { http2_protocol_options: {} },
  };
  const cluster = {
    name: 'models',
    type: 'STATIC',
    connect_timeout: '2s',
    // Else it refuses more than 1024 calls at a time.
    circuit_breakers: { thresholds: [{ max_requests: 100_000, max_pending_requests: 100_000 }] },
    typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': protocol },
    load_assignment: {
      cluster_name: 'models',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(grpcPort) } }] }],
    },
  };
  const chains = [{ filters: [{ name: 'http', typed_config: manager }] }];
  const listeners = [{ name: 'public', address: address(port), filter_chains: chains }];
  return { static_resources: { listeners, clusters: [cluster] } };
}

interface Asking {
  readonly token: string;
  readonly message: Buffer;
  readonly output: string;
  /** Default: `Predict`. */
  readonly path?: string;
}

/** Waits until a call is answered with grpc-status 0. Throws with the end of the side's output where that doesn't come. */
export async function untilGrpcReady(started: Omit<Side, 'said'>, asking: Asking): Promise<Side> {
  const { output } = asking;
  const side = { ...started, said: () => readFileSync(output, 'utf8').slice(-2000) };
  const endMs = Date.now() + readyMsMax;
  let last = 'no answer';
  while (Date.now() < endMs && side.process.exitCode() === undefined) {
    last = await callOnce(side.port, asking);
    if (last === '0') return side;
    await sleep(pollMs);
  }
  await side.process.stop();
  throw new Error(`${side.name} never answered a gRPC call (${last}):\n${side.said()}`);
}

function callOnce(port: number, { token, message, path = grpcPath }: Asking): Promise<string> {
  return new Promise((resolve) => {
    const session = connect(`http://127.0.0.1:${port}`);
    let status = 'no status';
    session.on('error', (error) => resolve(error.message));
    const fields = { 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${token}` };
    const stream = session.request({ ':method': 'POST', ':path': path, ...fields });
    const take = (found: Readonly<Record<string, unknown>>): void => {
      if (found['grpc-status'] !== undefined) status = `${found['grpc-status']}`;
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', (error) => {
      status = error.message;
    });
    stream.on('close', () => {
      session.close();
      resolve(status);
    });
    stream.resume();
    stream.end(message);
  });
}
