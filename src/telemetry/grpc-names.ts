import type { MetricRow } from './names.ts';

/** Upper bounds for calls that may last for a day. */
export const grpcBucketsSeconds = [
  0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60, 300, 900, 3600, 10_800, 43_200, 86_400,
] as const;

const method = ['service', 'method'] as const;

/** Of calls of services of protocol `grpc`. They are counted once they end; `openStreams` says what is under way. */
export const grpcMetrics = {
  grpcCalls: {
    name: 'headgate_grpc_calls_total',
    type: 'counter',
    help: 'Calls of gRPC services by what they ended in. grpc_status is CANCELLED where the caller left, and unseen where the engine sees no trailers.',
    labels: [...method, 'grpc_status', 'outcome'],
    unit: '1',
  },
  grpcMessages: {
    name: 'headgate_grpc_messages_total',
    type: 'counter',
    help: 'Messages of such calls, where the engine counts them: direction is in (from the caller) or out.',
    labels: [...method, 'direction'],
    unit: '1',
  },
  grpcBytes: {
    name: 'headgate_grpc_bytes_total',
    type: 'counter',
    help: 'Bytes of such calls as the engine counts them: direction is in (from the caller) or out.',
    labels: [...method, 'direction'],
    unit: 'bytes',
  },
  grpcFirstMessage: {
    name: 'headgate_grpc_first_message_seconds',
    type: 'histogram',
    help: "From the call's arrival to the first message of its answer, of calls that got one, where the engine sees messages.",
    labels: method,
    unit: 'seconds',
    boundsSeconds: grpcBucketsSeconds,
  },
  grpcDuration: {
    name: 'headgate_grpc_call_duration_seconds',
    type: 'histogram',
    help: 'Whole time of such calls: a stream counts from its opening to its end.',
    labels: [...method, 'outcome'],
    unit: 'seconds',
    boundsSeconds: grpcBucketsSeconds,
  },
  openStreams: {
    name: 'headgate_grpc_open_streams',
    type: 'gauge',
    help: 'Calls of gRPC services that are open for more than a moment now.',
    labels: ['service'],
    unit: '1',
  },
} as const satisfies Record<string, MetricRow>;
