import { metrics } from '../src/telemetry/index.ts';

/** `packaging/grafana/headgate.json`: a dashboard to import into Grafana, over a data source of Prometheus that it asks for. */
export function grafanaDashboard(): object {
  return {
    title: 'Headgate',
    uid: 'headgate',
    tags: ['headgate'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [dataSource, variable('job', undefined), variable('service', 'job=~"$job"')] },
    panels: placed(panels),
  };
}

interface Panel {
  readonly title: string;
  readonly description: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly kind: 'timeseries' | 'stat';
  readonly unit: string;
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
}

const source = { type: 'prometheus', uid: '$datasource' };
const dataSource = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' };

function variable(name: string, within: string | undefined): object {
  const series = `${metrics.requests.name}${within === undefined ? '' : `{${within}}`}`;
  return {
    name,
    type: 'query',
    datasource: source,
    query: { query: `label_values(${series}, ${name})`, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: 'All', value: '$__all' },
  };
}

const job = 'job=~"$job"';
const service = `${job}, service=~"$service"`;
const rate = (name: string, labels: string): string => `rate(${name}{${labels}}[$__rate_interval])`;

function quantile(share: number, name: string, by: string): string {
  return `histogram_quantile(${share}, sum by (le, ${by}) (${rate(`${name}_bucket`, service)}))`;
}

const panels: readonly Panel[] = [
  {
    title: 'Files in force',
    description: '0: the last change of the files was rejected, and what was before holds.',
    ...{ width: 4, kind: 'stat', unit: 'bool' },
    queries: [{ expr: `min(${metrics.filesInForce.name}{${job}})`, legend: '' }],
  },
  {
    title: 'Audit records',
    description: '0: the audit writer fails; where the record is required, calls are refused.',
    ...{ width: 4, kind: 'stat', unit: 'bool' },
    queries: [{ expr: `min(${metrics.auditRecording.name}{${job}})`, legend: '' }],
  },
  {
    title: 'Replicas up',
    description: 'Neither ejected nor down.',
    ...{ width: 4, kind: 'stat', unit: 'none' },
    queries: [{ expr: `sum(${metrics.endpointState.name}{${service}, state="up"})`, legend: '' }],
  },
  {
    title: 'First certificate to end',
    description: 'Of all listeners.',
    ...{ width: 4, kind: 'stat', unit: 's' },
    queries: [{ expr: `min(${metrics.certificateEnd.name}{${job}}) - time()`, legend: '' }],
  },
  {
    title: 'Calls without a line',
    description: 'Carried, and not in the audit, within a day.',
    ...{ width: 4, kind: 'stat', unit: 'none' },
    queries: [{ expr: `sum(increase(${metrics.auditUnrecorded.name}{${job}}[1d]))`, legend: '' }],
  },
  {
    title: 'What runs',
    description: 'Version, engine and environment.',
    ...{ width: 4, kind: 'stat', unit: 'none' },
    queries: [
      {
        expr: `sum by (version, engine, environment) (${metrics.buildInfo.name}{${job}})`,
        legend: '{{version}} {{engine}} {{environment}}',
      },
    ],
  },
  {
    title: 'Calls by model and version',
    description: 'A second.',
    ...{ width: 12, kind: 'timeseries', unit: 'reqps' },
    queries: [
      {
        expr: `sum by (service, model, version) (${rate(metrics.requests.name, service)})`,
        legend: '{{service}} {{model}} {{version}}',
      },
    ],
  },
  {
    title: 'Calls by status',
    description: '0: the caller left before the answer.',
    ...{ width: 12, kind: 'timeseries', unit: 'reqps' },
    queries: [{ expr: `sum by (status) (${rate(metrics.requests.name, service)})`, legend: '{{status}}' }],
  },
  {
    title: 'Time of calls that were allowed',
    description: 'p50 and p99, by model and version.',
    ...{ width: 12, kind: 'timeseries', unit: 's' },
    queries: [0.5, 0.99].map((share) => ({
      expr: `histogram_quantile(${share}, sum by (le, service, model, version) (${rate(`${metrics.requestDuration.name}_bucket`, `${service}, outcome="allow"`)}))`,
      legend: `p${share * 100} {{service}} {{model}} {{version}}`,
    })),
  },
  {
    title: 'Time to the first byte of the replica',
    description: 'p50 and p99: what the service itself takes.',
    ...{ width: 12, kind: 'timeseries', unit: 's' },
    queries: [0.5, 0.99].map((share) => ({
      expr: quantile(share, metrics.firstByte.name, 'service, model, version'),
      legend: `p${share * 100} {{service}} {{model}} {{version}}`,
    })),
  },
  {
    title: 'Refusals by reason and rule',
    description: 'A second.',
    ...{ width: 12, kind: 'timeseries', unit: 'reqps' },
    queries: [
      {
        expr: `sum by (reason, rule) (${rate(metrics.decisions.name, `${job}, outcome="deny"`)})`,
        legend: '{{reason}} {{rule}}',
      },
      { expr: `sum by (rule) (${rate(metrics.limited.name, job)})`, legend: 'limit of {{rule}}' },
    ],
  },
  {
    title: 'Queues',
    description: 'Calls that wait, how long those waited that did (p99), and those refused.',
    ...{ width: 12, kind: 'timeseries', unit: 'none' },
    queries: [
      { expr: `${metrics.queueWaiting.name}{${service}}`, legend: 'waiting {{service}} {{model}}' },
      { expr: `${metrics.queueInFlight.name}{${service}}`, legend: 'in flight {{service}} {{model}}' },
      { expr: quantile(0.99, metrics.queueWait.name, 'service, model'), legend: 'p99 s {{service}} {{model}}' },
      {
        expr: `sum by (service, why) (${rate(metrics.queueRefusals.name, service)})`,
        legend: 'refused ({{why}}) {{service}}',
      },
    ],
  },
  {
    title: 'Replicas',
    description: 'Calls in flight, and those that are ejected or down.',
    ...{ width: 12, kind: 'timeseries', unit: 'none' },
    queries: [
      { expr: `${metrics.endpointInFlight.name}{${service}}`, legend: 'in flight {{endpoint}}' },
      { expr: `${metrics.endpointState.name}{${service}, state!="up"} > 0`, legend: '{{state}} {{endpoint}}' },
      { expr: `${metrics.endpointLacks.name}{${service}} > 0`, legend: 'versions awaited {{endpoint}}' },
    ],
  },
  {
    title: 'Retries, ejections, shared answers',
    description: 'A second.',
    ...{ width: 12, kind: 'timeseries', unit: 'ops' },
    queries: [
      { expr: `sum by (service) (${rate(metrics.retries.name, service)})`, legend: 'retries {{service}}' },
      {
        expr: `sum by (service) (${rate(metrics.retriesRefused.name, service)})`,
        legend: 'retries beyond the budget {{service}}',
      },
      { expr: `sum by (service) (${rate(metrics.ejections.name, service)})`, legend: 'ejections {{service}}' },
      { expr: `sum by (service) (${rate(metrics.coalesced.name, service)})`, legend: 'shared answers {{service}}' },
    ],
  },
  {
    title: 'gRPC: calls by method and status',
    description: 'A second. unseen: the engine sees no trailers.',
    ...{ width: 12, kind: 'timeseries', unit: 'reqps' },
    queries: [
      {
        expr: `sum by (service, method, grpc_status) (${rate(metrics.grpcCalls.name, service)})`,
        legend: '{{service}} {{method}} {{grpc_status}}',
      },
    ],
  },
  {
    title: 'gRPC: open streams, and how long calls lasted',
    description: 'Open now; of calls that ended, p50 and p99 in seconds, from opening to end.',
    ...{ width: 12, kind: 'timeseries', unit: 'none' },
    queries: [
      { expr: `sum by (service) (${metrics.openStreams.name}{${service}})`, legend: 'open {{service}}' },
      ...[0.5, 0.99].map((share) => ({
        expr: quantile(share, metrics.grpcDuration.name, 'service, method'),
        legend: `p${share * 100} s {{service}} {{method}}`,
      })),
    ],
  },
  {
    title: 'gRPC: messages each way',
    description: 'A second, of calls that ended; and the time to the first message of an answer (p99, seconds).',
    ...{ width: 12, kind: 'timeseries', unit: 'none' },
    queries: [
      {
        expr: `sum by (service, method, direction) (${rate(metrics.grpcMessages.name, service)})`,
        legend: '{{direction}} {{service}} {{method}}',
      },
      {
        expr: quantile(0.99, metrics.grpcFirstMessage.name, 'service, method'),
        legend: 'p99 s to the first {{service}} {{method}}',
      },
    ],
  },
  {
    title: 'gRPC: bytes each way',
    description: 'A second, of calls that ended.',
    ...{ width: 12, kind: 'timeseries', unit: 'Bps' },
    queries: [
      {
        expr: `sum by (service, direction) (${rate(metrics.grpcBytes.name, service)})`,
        legend: '{{direction}} {{service}}',
      },
    ],
  },
  {
    title: 'The gate',
    description: 'Questions a second (calls without a kept decision), and decisions that are kept.',
    ...{ width: 8, kind: 'timeseries', unit: 'none' },
    queries: [
      { expr: `sum(${rate(metrics.gateQuestions.name, job)})`, legend: 'questions a second' },
      { expr: `sum(${metrics.keptDecisions.name}{${job}})`, legend: 'kept decisions' },
    ],
  },
  {
    title: 'Audit',
    description: 'How far behind the calls the chain is.',
    ...{ width: 8, kind: 'timeseries', unit: 's' },
    queries: [{ expr: `max(${metrics.auditLag.name}{${job}})`, legend: 'lag' }],
  },
  {
    title: "Headgate's own process",
    description: 'CPU (cores) and spans that are lost.',
    ...{ width: 8, kind: 'timeseries', unit: 'none' },
    queries: [
      { expr: `sum(${rate(metrics.processCpu.name, job)})`, legend: 'CPU' },
      { expr: `sum(${rate(metrics.spans.name, `${job}, result!="sent"`)})`, legend: 'lost spans a second' },
    ],
  },
];

const columns = 24;
const heights: Readonly<Record<Panel['kind'], number>> = { stat: 4, timeseries: 8 };

/** From left to right, from top to bottom. */
function placed(all: readonly Panel[]): object[] {
  let [x, y] = [0, 0];
  return all.map(({ title, description, width, kind, unit, queries }, index) => {
    if (x + width > columns) [x, y] = [0, y + heights[all[index - 1]?.kind ?? kind]];
    const gridPos = { x, y, w: width, h: heights[kind] };
    x += width;
    const targets = queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: source,
      expr,
      legendFormat: legend,
    }));
    const options = kind === 'stat' && title === 'What runs' ? { textMode: 'name' } : {};
    const fieldConfig = { defaults: { unit, custom: {} }, overrides: [] };
    return {
      id: index + 1,
      title,
      description,
      type: kind,
      datasource: source,
      gridPos,
      fieldConfig,
      options,
      targets,
    };
  });
}
