import {
  durationBucketsSeconds,
  grpcBucketsSeconds,
  type MetricRow,
  metrics,
  seriesMax,
} from '../src/telemetry/index.ts';

/** `docs/metrics.md`: the table of names, as people read it. */
export function metricsPage(): string {
  const rows: readonly MetricRow[] = Object.values(metrics);
  return `${head}
| metric | type | labels | what it is |
|---|---|---|---|
${rows.map(row).join('\n')}

${foot}`;
}

function row({ name, type, labels, help }: MetricRow): string {
  const names = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${type} | ${names} | ${help.replaceAll('|', '\\|')} |`;
}

const head = `<!-- Made by \`npm run generate\` from src/telemetry/names.ts. -->
# Metrics

\`GET /metrics\` on the admin address answers in Prometheus' text format 0.0.4. The names and their meaning are the same on every engine. What
is said of calls is folded from the audit records, so it agrees with the audit, and lags behind by less than a second. A series that an engine
can't know is absent; it is never 0 instead.
`;

const foot = `Upper bounds of histograms, in seconds: ${durationBucketsSeconds.join(', ')}. Of \`headgate_grpc_…\`, whose calls may be
streams: ${grpcBucketsSeconds.join(', ')}.

## What to know of them
- **Labels are bounded by the policy.** A model that no policy names, and a version that no rule let through, make no series of their own. Beyond
  ${seriesMax.toLocaleString('en')} label sets, calls are counted with empty labels.
- **Methods are bounded, too.** \`method\` names those that a descriptor set or the policy names (\`methods\`, or \`at\` without a star), \`reflect\`
  and \`health\`; all others of a service are \`other\`.
- **A stream is counted when it ends**: its duration, messages and bytes then come all at once. What is open is
  \`headgate_grpc_open_streams\`, and one by one in \`headgate status\`.
- HAProxy sees no trailers and counts no messages: of a service's calls that it carries by itself, \`grpc_status\` is \`unseen\` but for refusals,
  and there are no series of messages.
- **Counters since the engine started** begin at 0 when the engine is started anew, as Prometheus expects.
- \`headgate_upstream_first_byte_seconds\` is whole milliseconds on HAProxy.
- A call that HAProxy refuses before anybody is asked has no service and no model.
- The certificates, queues, replicas and the like that an environment doesn't have, have no series.

## The proxy's own
On the HAProxy engine, what HAProxy's own exporter says of its newest process follows on the same page, under its own names (\`haproxy_…\`).
Frontends \`in.N\` are the listeners in the order of the environment; the other names of HAProxy's sections are explained in the engine's README.
Where the exporter doesn't answer within 2 s, ours come alone, and \`headgate_engine_metrics_up\` is 0. An HAProxy that was built without the
exporter (\`haproxy -vv\`) is refused by \`headgate check\` (\`HG3003\`); Debian's has it.

## Alerts worth having
    headgate_audit_recording == 0                                       # calls are refused, where the record is required
    headgate_files_in_force == 0                                        # the last change of the files was rejected
    headgate_certificate_end_timestamp_seconds - time() < 7 * 86400
    increase(headgate_audit_unrecorded_calls_total[1h]) > 0
    sum by (service) (headgate_endpoint_state{state="up"}) == 0
    sum by (service) (rate(headgate_grpc_calls_total{grpc_status=~"INTERNAL|UNAVAILABLE|UNKNOWN"}[5m])) > 1
    sum by (rule) (rate(headgate_decisions_total{outcome="deny"}[5m])) > 1

A Grafana dashboard over these is in \`packaging/grafana/headgate.json\`; \`headgate top\` shows the main ones in a terminal.
`;
