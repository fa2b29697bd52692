import type { Found } from '../traffic/index.ts';
import { frameHeadBytes } from '../wire/index.ts';
import { type Failed, failed } from './health-line.ts';

/** A whole answer to `grpc.health.v1.Health/Check`. */
export interface HealthAnswer {
  readonly httpStatus: number;
  /** Of the trailers, or of an answer that has nothing else. */
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
  readonly body: Buffer;
}

/** `HealthCheckResponse.ServingStatus` (grpc/health/v1/health.proto). */
const serving = 1;
const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

const messageCharactersMax = 200;

const okStatus = '0';
const notFoundStatus = '5';
const unimplementedStatus = '12';

/** What an answer says of a replica. `asked`: the name of the service in the question; empty: the server as a whole. */
export function readHealthAnswer(answer: HealthAnswer, asked: string): Found {
  const { httpStatus, grpcStatus, grpcMessage, body } = answer;
  if (httpStatus !== 200) return failed(`it answers ${httpStatus}`);
  if (grpcStatus !== okStatus) return refusedBy(grpcStatus, grpcMessage, asked);
  const status = servingStatus(body);
  if (status === undefined) return failed('its answer is no health check');
  if (status === serving) return { kind: 'states', states: new Map() };
  return failed(`it says ${statusNames[status] ?? `status ${status}`}`);
}

function refusedBy(status: string | undefined, message: string | undefined, asked: string): Failed {
  if (status === undefined) return failed('its answer is no gRPC');
  if (status === unimplementedStatus) {
    return failed('it has no grpc.health.v1.Health (UNIMPLEMENTED): add that to it, or take `health` away');
  }
  if (status === notFoundStatus) {
    const hint = 'name one that it knows in `health: { service: … }`';
    return failed(`its health service doesn't know ${asked === '' ? 'the server' : asked} (NOT_FOUND): ${hint}`);
  }
  const said = decoded(message ?? '').slice(0, messageCharactersMax);
  return failed(`it answers grpc-status ${status}${said === '' ? '' : `: ${said}`}`);
}

/** Percent-encoded; what isn't stays as it is. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message).replace(/\p{C}/gu, ' ');
  } catch {
    return message;
  }
}

/** Field 1 of the one message; 0 where it is left out; undefined: it is none. */
function servingStatus(body: Buffer): number | undefined {
  if (body.length < frameHeadBytes || body[0] !== 0) return undefined;
  const message = body.subarray(frameHeadBytes);
  if (message.length !== body.readUInt32BE(1)) return undefined;
  if (message.length === 0) return 0;
  const [tag, status] = message;
  return tag === 0x08 && status !== undefined && status < 0x80 ? status : undefined;
}
