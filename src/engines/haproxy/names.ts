/** Names that the configuration, the agent and the Runtime API share. Indices count from 1. */

/**
 * Variables. `g.` ones are set by the agent (`option var-prefix g`). HAProxy looks a name up by walking all of its scope: so what is
 * needed only until a request goes on is in `req.`, and the record is found at once.
 */
export const variables = {
  method: 'req.m',
  host: 'req.h',
  path: 'req.p',
  address: 'txn.ip',
  /** The peer's address as text, written once a connection: writing one out costs as much as four rules. */
  peer: 'sess.ip',
  /** What a request says of its version; set for HTTP/2 whose values have no white space around them. */
  version: 'req.v',
  http2: 'req.h2',
  key: 'req.k',
  /** Set where the names of the fields are known to be plain: see plain-names.ts. */
  plain: 'req.n',
  now: 'req.now',
  /** The permit's record: see record.ts. */
  record: 'txn.s',
  /** Set where a kept decision may be neither found nor made. */
  odd: 'req.odd',
  /** Of a gRPC call: `1`, or the reason for which HAProxy refuses it by itself. */
  grpc: 'txn.gr',
  /** What its message names, as lua/fetch.lua says it; `-`: nothing was read. */
  message: 'txn.msg',
  /** On listeners that have both kinds of gRPC calls: 1 where the messages pass as they come, else 0. */
  stream: 'txn.st',
  /** Set where all of the message is in the buffer. */
  whole: 'txn.whole',
  /** Why the filter has refused a message; the version that it has to append. */
  why: 'txn.why',
  append: 'txn.append',
  /** Name of the backend that a miss went to. */
  backend: 'txn.be',
  /** How a call was carried that was handed over. */
  carried: 'txn.car',
  /** Of a service's answer that is no gRPC: a sentence. */
  fault: 'txn.fault',
  /** Method and path of a request that no decision is kept for. */
  request: 'txn.req',
  trace: 'txn.tp',
  /** What a gRPC client says of the time it has; in milliseconds, where that is what bounds the call. */
  timeout: 'txn.gt',
  deadline: 'txn.dl',
  epoch: 'proc.epoch',
  /** The half of the kept permits that is looked in first. */
  half: 'proc.half',
  answer: {
    record: 'txn.g.s',
    coreNumber: 'txn.g.d',
    status: 'txn.g.status',
    body: 'txn.g.body',
    challenge: 'txn.g.challenge',
    retryAfter: 'txn.g.retry',
    allow: 'txn.g.allow',
    /** RateLimit-Policy, of a gRPC call that is refused late. */
    policy: 'txn.g.policy',
    /** These, and `retryAfter`, are set by rules, too, where a gRPC call is refused once its body was taken in: see lua/refuse.lua. */
    grpcStatus: 'txn.g.gs',
    grpcMessage: 'txn.g.gm',
    grpcDetails: 'txn.g.gd',
  },
} as const;

/** What the agent calls its variables: without scope and prefix. */
export const answerNames = {
  record: 's',
  coreNumber: 'd',
  status: 'status',
  body: 'body',
  challenge: 'challenge',
  retryAfter: 'retry',
  allow: 'allow',
  policy: 'policy',
  grpcStatus: 'gs',
  grpcMessage: 'gm',
  grpcDetails: 'gd',
} as const satisfies Record<keyof typeof variables.answer, string>;

export const backends = {
  gate: 'headgate.gate',
  refused: 'headgate.refused',
  refusedStreams: 'headgate.refused.streams',
  open: 'headgate.open',
  fast: 'headgate.rate.fast',
  slow: 'headgate.rate.slow',
} as const;

/** Records of kept permits by the hash of their key, in two halves, so that one can be emptied while the other serves. */
export const recordMaps = ['records.0.map', 'records.1.map'] as const;
/** Lists of names of fields that are known to be plain. */
export const namesMap = 'names.map';
/** The same for gRPC calls. */
export const grpcNamesMap = 'names.grpc.map';

export const files = { configuration: 'haproxy.cfg', spoe: 'spoe.cfg', problem: 'problem' } as const;
export const spoeEngine = 'gate';
export const gateServer = 'gate';
export const spoeGroup = 'ask';
/** The descriptor of the spool file, inherited. */
export const spoolDescriptor = 3;

export const frontendName = (index: number): string => `in.${index}`;
export const askName = (index: number): string => `ask.${index}`;
/** For kept permits: of requests whose fields are known to be plain, and of others. */
export const plainName = (index: number): string => `${plainPrefix}${index}`;
export const upstreamName = (index: number): string => `${upstreamPrefix}${index}`;
export const plainPrefix = 'plain.';
export const upstreamPrefix = 'up.';
/** For gRPC calls: of kept permits, those whose message is here whole, and the others; and those that the gate is asked about. */
export const grpcName = (index: number): string => `${grpcPrefix}${index}`;
export const walkName = (index: number): string => `${walkPrefix}${index}`;
export const grpcAskName = (index: number): string => `grpc.ask.${index}`;
/** The first of these where the fields are plain. */
export const grpcPlainName = (index: number): string => `${grpcPlainPrefix}${index}`;
export const grpcPlainPrefix = 'grpc.plain.';
export const grpcPrefix = 'grpc.';
export const walkPrefix = 'grpc.walk.';

/** For calls that go the assisted way: of kept permits, and those that the gate is asked about; the same of gRPC. */
export const assistName = (index: number): string => `${assistPrefix}${index}`;
export const assistAskName = (index: number): string => `assist.ask.${index}`;
export const assistGrpcName = (index: number): string => `${assistGrpcPrefix}${index}`;
export const assistGrpcAskName = (index: number): string => `assist.grpc.ask.${index}`;
export const assistPrefix = 'assist.';
export const assistGrpcPrefix = 'assist.grpc.';
/** What frontends and backends start from whose callers may leave. */
export const leavingDefaults = 'headgate.leaving';
/** The one server there. */
export const assistServer = 'assist';
/** Set while replicas of a service differ in what models they have. */
export const unevenVariable = (index: number): string => `proc.uneven.${index}`;
/** Every backend of a service. */
export function serviceBackends(index: number): string[] {
  return [plainName, upstreamName, askName, grpcPlainName, grpcName, walkName, grpcAskName].map((name) => name(index));
}
/** A server, in each of them; `''`: what its name begins with. */
export const replicaName = (index: number | ''): string => `replica.${index}`;
/** Of a service: bytes of the largest body that may be sent again, now. */
export const retryBytesName = (index: number): string => `proc.retry${index}`;
