import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { LimitPlan, Plan } from '../../plan/types.ts';
import { examplePlace } from './place.ts';
import { realizeHaproxy } from './realize.ts';
import { testRule } from './testing/stage.ts';

const folder = join(import.meta.dirname, 'goldens');
const update = process.env.HEADGATE_UPDATE_GOLDENS === '1';

const limits: readonly LimitPlan[] = [
  { count: 200, periodMs: 1000, burst: 400, per: 'caller' },
  { count: 1000, periodMs: 86_400_000, burst: 1000, per: 'rule' },
];
const reads = { headers: ['x-region'], address: true, time: false };

function planOf(changes: Partial<Plan>, access: Partial<Plan['access']> = {}): Plan {
  return {
    format: 1,
    environment: 'prod',
    engine: 'haproxy',
    epoch: '0123456789abcdef',
    access: {
      environment: 'prod',
      identities: [],
      groups: [],
      services: [{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m'] }],
      rules: [testRule()],
      reads: {},
      ...access,
    },
    listeners: [
      { name: 'public', address: { host: '127.0.0.1', port: 8080 }, routes: [{ service: 'scoring', strip: false }] },
    ],
    upstreams: [
      {
        service: 'scoring',
        endpoints: [{ rest: { host: '127.0.0.1', port: 8501 } }, { rest: { host: '::1', port: 8511 } }],
      },
    ],
    audit: { directory: 'var/audit', record: 'required' },
    bounds: { bodyBytesMax: 64 * 1024 * 1024 },
    admin: { host: '127.0.0.1', port: 9900 },
    state: '/var/lib/headgate',
    ...changes,
  };
}

/** One folder a case. */
const cases: Readonly<Record<string, Plan>> = {
  plain: planOf({}),
  limits: planOf({}, { rules: [testRule({ limits })] }),
  conditions: planOf({}, { reads: { scoring: reads } }),
  grpc: planOf({
    upstreams: [
      {
        service: 'scoring',
        endpoints: [{ rest: { host: '127.0.0.1', port: 8501 }, grpc: { host: '127.0.0.1', port: 8500 } }],
      },
    ],
  }),
  assisted: planOf({
    listeners: [
      {
        name: 'public',
        address: { host: '127.0.0.1', port: 8080 },
        routes: [
          { service: 'flows', pathPrefix: '/flows', strip: true },
          { service: 'scoring', strip: false },
        ],
      },
    ],
    upstreams: [
      {
        service: 'scoring',
        endpoints: [{ rest: { host: '127.0.0.1', port: 8501 }, grpc: { host: '127.0.0.1', port: 8500 } }],
        models: { m: { repeats: { share: 'rule' } } },
        queue: { models: { m: { inFlightMax: 8, waitingMax: 20, waitMs: 200 } } },
      },
      {
        service: 'flows',
        endpoints: [{ rest: { host: '127.0.0.1', port: 8601 } }, { rest: { host: '127.0.0.1', port: 8602 } }],
        health: { everyMs: 2000, rise: 2, fall: 3 },
      },
    ],
  }),
  traffic: planOf({
    upstreams: [
      {
        service: 'scoring',
        endpoints: [
          {
            rest: { host: '127.0.0.1', port: 8501 },
            grpc: { host: '127.0.0.1', port: 8500 },
            dns: true,
          },
        ],
        health: { everyMs: 2000, rise: 2, fall: 3 },
        timeouts: { connectMs: 500, answerMs: 30_000, deadlineMs: 5000 },
        retries: { triesMax: 3, budgetPpm: 100_000 },
        compression: { answers: ['br', 'gzip'] },
      },
    ],
  }),
  streams: planOf(
    {
      listeners: [
        {
          name: 'public',
          address: { host: '127.0.0.1', port: 8080 },
          routes: [
            { host: 'orders.test', service: 'orders', strip: false },
            { service: 'scoring', strip: false },
          ],
        },
        { name: 'orders', address: { host: '127.0.0.1', port: 8081 }, routes: [{ service: 'orders', strip: false }] },
      ],
      upstreams: [
        {
          service: 'scoring',
          endpoints: [{ rest: { host: '127.0.0.1', port: 8501 }, grpc: { host: '127.0.0.1', port: 8500 } }],
        },
        {
          service: 'orders',
          endpoints: [{ grpc: { host: '127.0.0.1', port: 50_051 } }],
          timeouts: { answerMs: 3_600_000 },
          retries: { triesMax: 2, budgetPpm: 100_000 },
        },
      ],
    },
    {
      services: [
        { name: 'scoring', protocol: 'tensorflow-serving', models: ['m'] },
        { name: 'orders', protocol: 'grpc', models: [] },
      ],
      rules: [testRule({ limits })],
    },
  ),
  routes: planOf({
    listeners: [
      {
        name: "the 'public' one",
        address: { host: '::', port: 443 },
        tls: { certificate: '/etc/headgate/cert.pem', key: '/etc/headgate/key.pem' },
        routes: [
          { host: 'scoring.example.test', service: 'scoring', strip: false },
          { pathPrefix: '/more', service: 'more', strip: true },
          { service: 'scoring', strip: false },
        ],
      },
    ],
    upstreams: [
      { service: 'scoring', endpoints: [{ rest: { host: '127.0.0.1', port: 8501 } }] },
      { service: 'more', endpoints: [{ rest: { host: 'more.example.test', port: 8501 } }] },
    ],
  }),
};

for (const [name, plan] of Object.entries(cases)) {
  test(`golden: ${name}`, () => {
    const { files } = realizeHaproxy(plan);
    for (const file of ['haproxy.cfg', 'spoe.cfg']) {
      const path = join(folder, name, file);
      mkdirSync(join(folder, name), { recursive: true });
      if (update) writeFileSync(path, files[file] ?? '');
      assert.equal(files[file], readFileSync(path, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
    }
  });

  test(`haproxy -c takes it: ${name}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hg-golden-'));
    try {
      // Checking opens certificates and looks names up; neither is what is checked here.
      const local: Plan = {
        ...plan,
        listeners: plan.listeners.map(({ tls: _tls, ...listener }) => listener),
        upstreams: plan.upstreams.map((upstream) => ({
          ...upstream,
          endpoints: upstream.endpoints.map((endpoint) => ({
            ...endpoint,
            ...(endpoint.rest && { rest: { ...endpoint.rest, host: '127.0.0.1' } }),
          })),
        })),
      };
      const place = { ...examplePlace({ ...local, state: directory }), directory };
      const { files } = realizeHaproxy(local, place);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
      const { stderr } = await promisify(execFile)('haproxy', ['-c', '-f', join(directory, 'haproxy.cfg')]);
      assert.equal(stderr, '');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('haproxy -c takes streams beside a service that is reached over REST alone', async () => {
  const { streams } = cases;
  const upstreams = (streams?.upstreams ?? []).map((upstream) => ({
    ...upstream,
    endpoints: upstream.endpoints.map(({ rest, grpc }) => (rest === undefined ? { ...(grpc && { grpc }) } : { rest })),
  }));
  const directory = mkdtempSync(join(tmpdir(), 'hg-golden-'));
  try {
    const plan = { ...(streams as Plan), upstreams };
    const { files } = realizeHaproxy(plan, { ...examplePlace({ ...plan, state: directory }), directory });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    const { stderr } = await promisify(execFile)('haproxy', ['-c', '-f', join(directory, 'haproxy.cfg')]);
    assert.equal(stderr, '');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('realizing is pure', () => {
  assert.deepEqual(realizeHaproxy(cases.routes as Plan), realizeHaproxy(cases.routes as Plan));
});
