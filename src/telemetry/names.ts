import { grpcMetrics } from './grpc-names.ts';

/** One metric: what every engine and every reader of it agrees on. */
export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** `1` for a plain number. */
  readonly unit: 'seconds' | 'bytes' | '1';
  /** Upper bounds of a histogram. Left out: `durationBucketsSeconds`. */
  readonly boundsSeconds?: readonly number[];
}

/** Every metric of Headgate that is its own. Beside them stand the proxy's (`haproxy_…`). */
export const metrics = {
  requests: {
    name: 'headgate_requests_total',
    type: 'counter',
    help: 'Calls answered, from the audit. status 0: the caller left before the answer.',
    labels: ['service', 'model', 'version', 'operation', 'status', 'outcome'],
    unit: '1',
  },
  decisions: {
    name: 'headgate_decisions_total',
    type: 'counter',
    help: 'Calls by what decided them: rule by name, and reason as in the denial table.',
    labels: ['outcome', 'reason', 'rule'],
    unit: '1',
  },
  requestDuration: {
    name: 'headgate_request_duration_seconds',
    type: 'histogram',
    help: 'Whole time of a call as its engine saw it.',
    labels: ['service', 'model', 'version', 'operation', 'outcome'],
    unit: 'seconds',
  },
  firstByte: {
    name: 'headgate_upstream_first_byte_seconds',
    type: 'histogram',
    help: 'From the request sent to the first byte of the answer of the replica, of calls that got one.',
    labels: ['service', 'model', 'version', 'operation'],
    unit: 'seconds',
  },
  queueWait: {
    name: 'headgate_queue_wait_seconds',
    type: 'histogram',
    help: 'How long calls waited for their turn, of those that a queue held.',
    labels: ['service', 'model'],
    unit: 'seconds',
  },
  limited: {
    name: 'headgate_limited_total',
    type: 'counter',
    help: 'Calls refused because a limit of the rule that allows them was exceeded.',
    labels: ['rule'],
    unit: '1',
  },
  ...grpcMetrics,
  queueWaiting: {
    name: 'headgate_queue_waiting',
    type: 'gauge',
    help: 'Calls that wait in a queue now; model is empty for the queue of a whole service.',
    labels: ['service', 'model'],
    unit: '1',
  },
  queueInFlight: {
    name: 'headgate_queue_in_flight',
    type: 'gauge',
    help: 'Calls that a queue has let through and that are not answered yet.',
    labels: ['service', 'model'],
    unit: '1',
  },
  queueRefusals: {
    name: 'headgate_queue_refusals_total',
    type: 'counter',
    help: 'Calls refused by a queue: why is full or timeout.',
    labels: ['service', 'why'],
    unit: '1',
  },
  endpointInFlight: {
    name: 'headgate_endpoint_in_flight',
    type: 'gauge',
    help: 'Calls on their way to a replica now.',
    labels: ['service', 'endpoint'],
    unit: '1',
  },
  endpointState: {
    name: 'headgate_endpoint_state',
    type: 'gauge',
    help: '1 for the state that a replica is in, 0 for the others: up, ejected (it failed, and is passed over for a while), down.',
    labels: ['service', 'endpoint', 'state'],
    unit: '1',
  },
  endpointLacks: {
    name: 'headgate_endpoint_versions_awaited',
    type: 'gauge',
    help: 'Models and versions that a replica has not reported as available, and gets no call for.',
    labels: ['service', 'endpoint'],
    unit: '1',
  },
  ejections: {
    name: 'headgate_ejections_total',
    type: 'counter',
    help: 'Times that a replica was passed over for a while because it failed, since the engine started.',
    labels: ['service'],
    unit: '1',
  },
  retries: {
    name: 'headgate_retries_total',
    type: 'counter',
    help: 'Further tries of calls, since the engine started.',
    labels: ['service'],
    unit: '1',
  },
  retriesRefused: {
    name: 'headgate_retries_refused_total',
    type: 'counter',
    help: 'Further tries that the budget did not allow, since the engine started.',
    labels: ['service'],
    unit: '1',
  },
  coalesced: {
    name: 'headgate_coalesced_total',
    type: 'counter',
    help: 'Calls that got the answer to an identical call in flight, since the engine started.',
    labels: ['service'],
    unit: '1',
  },
  gateQuestions: {
    name: 'headgate_gate_questions_total',
    type: 'counter',
    help: 'Times that the gate was asked because the engine kept no decision, since the engine started.',
    labels: [],
    unit: '1',
  },
  keptDecisions: {
    name: 'headgate_kept_decisions',
    type: 'gauge',
    help: 'Decisions that the engine keeps at the moment.',
    labels: [],
    unit: '1',
  },
  reloads: {
    name: 'headgate_reloads_total',
    type: 'counter',
    help: 'Changes of the files by what became of them: taken or rejected.',
    labels: ['outcome'],
    unit: '1',
  },
  lastGoodReload: {
    name: 'headgate_last_good_reload_timestamp_seconds',
    type: 'gauge',
    help: 'When what is in force was taken up: the start, or the last change that was taken. Seconds since 1970.',
    labels: [],
    unit: 'seconds',
  },
  filesInForce: {
    name: 'headgate_files_in_force',
    type: 'gauge',
    help: '1 while the last change of the files is in force, 0 while it was rejected and what was before holds.',
    labels: [],
    unit: '1',
  },
  certificateEnd: {
    name: 'headgate_certificate_end_timestamp_seconds',
    type: 'gauge',
    help: 'When the certificate that a listener serves ends. Seconds since 1970.',
    labels: ['listener'],
    unit: 'seconds',
  },
  auditEvents: {
    name: 'headgate_audit_events_total',
    type: 'counter',
    help: 'Events in the audit chain, over its whole life.',
    labels: [],
    unit: '1',
  },
  auditUnreadable: {
    name: 'headgate_audit_unreadable_lines_total',
    type: 'counter',
    help: 'Spool lines that could not be read since the start; they are in the chain as such.',
    labels: [],
    unit: '1',
  },
  auditUnrecorded: {
    name: 'headgate_audit_unrecorded_calls_total',
    type: 'counter',
    help: 'Calls since the start that the engine carried and left no line of; the audit says when, and on which listener.',
    labels: [],
    unit: '1',
  },
  auditLag: {
    name: 'headgate_audit_lag_seconds',
    type: 'gauge',
    help: 'Time between the end of the last chained call and its chaining.',
    labels: [],
    unit: 'seconds',
  },
  auditBehind: {
    name: 'headgate_audit_behind_bytes',
    type: 'gauge',
    help: 'Spool bytes that are not chained yet.',
    labels: [],
    unit: 'bytes',
  },
  auditRecording: {
    name: 'headgate_audit_recording',
    type: 'gauge',
    help: '1 while the audit writer records, 0 while it fails.',
    labels: [],
    unit: '1',
  },
  spans: {
    name: 'headgate_spans_total',
    type: 'counter',
    help: 'Spans of calls by what became of them: sent, dropped (the queue was full), or failed (the collector did not take them).',
    labels: ['result'],
    unit: '1',
  },
  engineMetrics: {
    name: 'headgate_engine_metrics_up',
    type: 'gauge',
    help: "1 where the proxy's own metrics are on this page, 0 where they could not be had.",
    labels: [],
    unit: '1',
  },
  processCpu: {
    name: 'headgate_process_cpu_seconds_total',
    type: 'counter',
    help: "CPU time of Headgate's own process, with all threads: of the gate and the audit, and of the embedded engine.",
    labels: [],
    unit: 'seconds',
  },
  processMemory: {
    name: 'headgate_process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of that process.',
    labels: [],
    unit: 'bytes',
  },
  processDescriptors: {
    name: 'headgate_process_open_fds',
    type: 'gauge',
    help: 'File descriptors that it has open.',
    labels: [],
    unit: '1',
  },
  processStart: {
    name: 'headgate_process_start_time_seconds',
    type: 'gauge',
    help: 'When it started. Seconds since 1970.',
    labels: [],
    unit: 'seconds',
  },
  buildInfo: {
    name: 'headgate_build_info',
    type: 'gauge',
    help: 'Always 1; the version, the engine and the environment that run.',
    labels: ['version', 'engine', 'environment'],
    unit: '1',
  },
} as const satisfies Record<string, MetricRow>;

/** Upper bounds of histograms, but where the metric says others. */
export const durationBucketsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** Label sets at most; calls beyond that are counted with empty labels, so that nobody can fill the memory. */
export const seriesMax = 10_000;

/** Numbers without a name that are told apart, of one model; the others are `other`. */
export const unnamedVersionsMax = 10;
