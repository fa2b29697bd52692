/** One metric: what every engine and every reader of it agrees on. */
export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** `1` for a plain number. */
  readonly unit: 'seconds' | 'bytes' | '1';
}

/** Every metric of Headgate. Nothing else is exported anywhere. */
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
    labels: ['service', 'model', 'version', 'operation'],
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
  keptDecisions: {
    name: 'headgate_kept_decisions',
    type: 'gauge',
    help: 'Decisions that the engine keeps at the moment.',
    labels: [],
    unit: '1',
  },
  buildInfo: {
    name: 'headgate_build_info',
    type: 'gauge',
    help: 'Always 1; the version, the engine and the environment that run.',
    labels: ['version', 'engine', 'environment'],
    unit: '1',
  },
} as const satisfies Record<string, MetricRow>;

/** Upper bounds of `headgate_request_duration_seconds`. */
export const durationBucketsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

/** Label sets at most; calls beyond that are counted with empty labels, so that nobody can fill the memory. */
export const seriesMax = 10_000;

/** Numbers without a name that are told apart, of one model; the others are `other`. */
export const unnamedVersionsMax = 10;
