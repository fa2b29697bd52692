/** One of the cases of grpc-go's interop client. */
export interface GoCase {
  readonly name: string;
  /** Words of its command besides. */
  readonly more?: readonly string[];
}

const loadReports = ['-service_config_json', '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'];
/** Latency is not what is looked at: a call may take long on a busy machine. */
const soak = ['-soak_overall_timeout_seconds', '50', '-soak_per_iteration_max_acceptable_latency_ms', '40000'];

/**
 * Every case of the pinned client that needs no credentials of a cloud (those are compute_engine_creds, service_account_creds,
 * jwt_token_creds, per_rpc_creds, oauth2_auth_token, google_default_credentials and compute_engine_channel_credentials), but
 * pick_first_unary: that asks for the name of the server, which grpc-go's server doesn't tell; one of ours does, beside this.
 */
export const goCases: readonly GoCase[] = [
  ...[
    'empty_unary',
    'large_unary',
    'client_streaming',
    'server_streaming',
    'ping_pong',
    'empty_stream',
    'timeout_on_sleeping_server',
    'cancel_after_begin',
    'cancel_after_first_response',
    'status_code_and_message',
    'special_status_message',
    'custom_metadata',
    'unimplemented_method',
    'unimplemented_service',
  ].map((name) => ({ name })),
  { name: 'orca_per_rpc', more: loadReports },
  { name: 'orca_oob', more: loadReports },
  { name: 'rpc_soak', more: [...soak, '-soak_iterations', '100', '-soak_num_threads', '4'] },
  { name: 'channel_soak', more: [...soak, '-soak_iterations', '40', '-soak_num_threads', '4'] },
];
