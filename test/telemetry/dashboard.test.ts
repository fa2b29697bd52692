import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type MetricRow, metrics } from '../../src/telemetry/index.ts';

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}
interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly Target[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
}

const file = join(import.meta.dirname, '../../packaging/grafana/headgate.json');
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
const rows = new Map<string, MetricRow>(Object.values(metrics).map((row) => [row.name, row]));
/** Labels that Prometheus adds, or a histogram's. */
const given = ['job', 'instance', 'le'];

/** The row of a series; `_bucket`, `_sum` and `_count` are a histogram's. */
function rowOf(name: string): MetricRow | undefined {
  const whole = rows.get(name.replace(/_(bucket|sum|count)$/, ''));
  return rows.get(name) ?? (whole?.type === 'histogram' ? whole : undefined);
}

/** What is wrong with an expression: series that aren't in the table, labels that they don't have. */
function faultsIn({ expr, legendFormat }: Target): string[] {
  const named = [...expr.matchAll(/\b(headgate_\w+)(?:\{([^}]*)\})?/g)];
  const known = named.flatMap(([, name = '']) => rowOf(name) ?? []);
  const selected = named.flatMap(([, name = '', selector = '']) => {
    const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
    const row = rowOf(name);
    if (row === undefined) return [`there is no ${name}`];
    return labels
      .filter((label) => ![...given, ...row.labels].includes(label))
      .map((label) => `${name} has no ${label}`);
  });
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const all = new Set([...given, ...known.flatMap(({ labels }) => labels)]);
  const odd = [...grouped, ...shown].filter((label) => !all.has(label)).map((label) => `nothing has ${label}`);
  const lost =
    grouped.length === 0
      ? []
      : shown.filter((label) => !grouped.includes(label)).map((label) => `${label} is summed away`);
  return [...(named.length === 0 ? ['it asks for nothing of ours'] : []), ...selected, ...odd, ...lost];
}

test('every query asks for a metric that there is, by labels that it has', () => {
  const faults = dashboard.panels.flatMap(({ title, targets }) =>
    targets.flatMap((target) => faultsIn(target).map((fault) => `${title}: ${fault} (${target.expr})`)),
  );
  assert.deepEqual(faults, []);
  for (const { query } of dashboard.templating.list) {
    const text = typeof query === 'string' ? query : query.query;
    const [, name] = /label_values\((\w+)/.exec(text) ?? [];
    assert.ok(name === undefined || rowOf(name) !== undefined, text);
  }
});

test('the check finds what it is there for', () => {
  const legendFormat = '';
  assert.deepEqual(faultsIn({ expr: 'headgate_request_total', legendFormat }), ['there is no headgate_request_total']);
  assert.deepEqual(faultsIn({ expr: 'headgate_queue_waiting{rule="a"}', legendFormat }), [
    'headgate_queue_waiting has no rule',
  ]);
  assert.deepEqual(faultsIn({ expr: 'sum by (service) (headgate_queue_waiting)', legendFormat: '{{model}}' }), [
    'model is summed away',
  ]);
  assert.deepEqual(faultsIn({ expr: 'headgate_retries_total_bucket', legendFormat }), [
    'there is no headgate_retries_total_bucket',
  ]);
});

test('every metric of traffic and operation is on it, and no panel lies over another', () => {
  const asked = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  const left = [...rows.keys()].filter(
    (name) => !asked.includes(name) && !/audit_(events|unreadable|behind)|process_|reload|engine_metrics/.test(name),
  );
  assert.deepEqual(left, []);
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(!taken.has(`${x} ${y}`), title);
        taken.add(`${x} ${y}`);
      }
    }
  }
});
