/** Names of a call's spans: the call itself, and its parts. */
export const spanNames = { gate: 'gate', queue: 'queue', upstream: 'upstream' } as const;

/**
 * Every attribute of a span. Where OpenTelemetry's semantic conventions have a name, it is theirs (HTTP, RPC, server); the rest is ours.
 * None holds what a caller can make long or secret: no query, no field, no body, no subject.
 */
export const spanAttributes = {
  method: 'http.request.method',
  path: 'url.path',
  status: 'http.response.status_code',
  grpcStatus: 'rpc.grpc.status_code',
  rpcSystem: 'rpc.system',
  rpcService: 'rpc.service',
  rpcMethod: 'rpc.method',
  client: 'client.address',
  server: 'server.address',
  serverPort: 'server.port',
  requestId: 'headgate.request.id',
  listener: 'headgate.listener',
  service: 'headgate.service',
  operation: 'headgate.operation',
  model: 'headgate.model',
  version: 'headgate.model.version',
  outcome: 'headgate.outcome',
  reason: 'headgate.reason',
  rule: 'headgate.rule',
  epoch: 'headgate.epoch',
  /** The keyed hash by which the audit knows the caller. */
  caller: 'headgate.caller.id',
  tries: 'headgate.tries',
  leader: 'headgate.leader',
  messagesIn: 'headgate.messages.in',
  messagesOut: 'headgate.messages.out',
} as const;

/** Of the moment at which a call's first message of the answer came. */
export const firstMessageEvent = 'first message';

/** Of the resource that spans are of. */
export const resourceAttributes = {
  name: 'service.name',
  version: 'service.version',
  environment: 'deployment.environment.name',
  engine: 'headgate.engine',
} as const;
