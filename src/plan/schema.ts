import { z } from 'zod';
import { bodyBytesBoundMax, chainHopsMax } from '../std/limits.ts';
import { wholePpm } from '../std/share.ts';
import { trafficForm } from './traffic-schema.ts';
import type { Plan } from './types.ts';

const name = z.string().min(1).max(256);
const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const positive = z.number().int().positive();

const address = z.strictObject({ host: z.string().min(1), port: z.number().int().min(0).max(65_535) }).readonly();

const oidc = z
  .strictObject({
    name,
    kind: z.literal('oidc'),
    issuers: list(name).check(z.minLength(1)),
    audience: list(name).check(z.minLength(1)),
    groupsClaim: list(z.string()).check(z.minLength(1)),
    algorithms: list(name).check(z.minLength(1)),
    types: list(z.string()),
    skewSeconds: z.number().int().min(0),
  })
  .readonly();

const apiKeys = z.strictObject({ name, kind: z.literal('apiKeys') }).readonly();

const relay = z
  .strictObject({
    name,
    gateways: list(z.strictObject({ issuer: name, keys: z.url().exactOptional() }).readonly()).check(z.minLength(1)),
    hops: list(z.strictObject({ audience: name, groups: list(name).check(z.minLength(1)) }).readonly()).check(
      z.minLength(1),
    ),
    hopsMax: z.number().int().min(1).max(chainHopsMax),
    skewSeconds: z.number().int().min(0),
  })
  .readonly();

const term = z
  .strictObject({
    identity: name,
    subject: list(z.string()).exactOptional(),
    group: list(z.string()).exactOptional(),
    client: list(z.string()).exactOptional(),
  })
  .readonly();

const owned = { owner: name.exactOptional(), note: z.string().min(1).exactOptional() };

const group = z
  .strictObject({ name, anyOf: list(z.strictObject({ allOf: list(term).check(z.minLength(1)) }).readonly()), ...owned })
  .readonly();

const family = z.strictObject({ name, models: list(name).check(z.minLength(1)), ...owned }).readonly();

const versionPlan = z
  .strictObject({
    name,
    number: z.number().int().min(0),
    sharePpm: z.number().int().min(0).max(wholePpm).exactOptional(),
  })
  .readonly();

const method = z
  .strictObject({
    idempotent: z.literal(true).exactOptional(),
    streaming: z.enum(['no', 'client', 'server', 'both']).exactOptional(),
  })
  .readonly();

const service = z
  .strictObject({
    name,
    protocol: z.enum(['tensorflow-serving', 'grpc']),
    models: list(name),
    methods: z.record(name, method).readonly().exactOptional(),
    hasDescriptors: z.literal(true).exactOptional(),
    families: list(family).check(z.minLength(1)).exactOptional(),
    versions: z
      .record(name, list(versionPlan).check(z.minLength(1)))
      .readonly()
      .exactOptional(),
  })
  .readonly();

const reads = z
  .strictObject({
    headers: list(name),
    address: z.boolean(),
    time: z.boolean(),
    queue: z.literal(true).exactOptional(),
  })
  .readonly();
const condition = z.strictObject({ cel: z.string().min(1), reads }).readonly();

const weekday = z.union([0, 1, 2, 3, 4, 5, 6].map((day) => z.literal(day as 0 | 1 | 2 | 3 | 4 | 5 | 6)));

const window = z
  .strictObject({
    days: list(weekday).check(z.minLength(1)),
    fromMinute: z.number().int().min(0).max(1439),
    toMinute: z.number().int().min(1).max(1440),
    zone: name,
  })
  .readonly();

const conditions = {
  via: list(name).check(z.minLength(1)).exactOptional(),
  from: list(name).check(z.minLength(1)).exactOptional(),
  during: list(window).check(z.minLength(1)).exactOptional(),
  when: condition.exactOptional(),
};

const limit = z
  .strictObject({ count: positive, periodMs: positive, burst: positive, per: z.enum(['caller', 'rule']) })
  .readonly();

const rule = z
  .strictObject({
    index: z.number().int().min(0),
    name,
    effect: z.enum(['allow', 'deny']),
    file: z.string(),
    line: positive,
    callers: z.union([
      z.strictObject({ kind: z.literal('anyone') }).readonly(),
      z.strictObject({ kind: z.literal('groups'), names: list(name).check(z.minLength(1)) }).readonly(),
    ]),
    actions: z.union([
      z.strictObject({ kind: z.literal('any') }).readonly(),
      z.strictObject({ kind: z.literal('actions'), names: list(name).check(z.minLength(1)) }).readonly(),
    ]),
    resources: list(z.strictObject({ service: name, segments: list(name).check(z.minLength(1)) }).readonly()).check(
      z.minLength(1),
    ),
    versions: z.union([z.literal('any'), list(name).check(z.minLength(1))]).exactOptional(),
    ...conditions,
    unless: list(z.strictObject({ groups: list(name).exactOptional(), ...conditions }).readonly()),
    limits: list(limit),
    streamsUntil: z.literal('expiry').exactOptional(),
    ...owned,
  })
  .readonly();

const access = z
  .strictObject({
    environment: name,
    identities: list(z.union([oidc, apiKeys])),
    relays: list(relay).exactOptional(),
    groups: list(group),
    services: list(service),
    rules: list(rule),
    reads: z.record(z.string(), reads).readonly(),
  })
  .readonly();

const route = z
  .strictObject({
    host: name.exactOptional(),
    pathPrefix: name.exactOptional(),
    strip: z.boolean(),
    service: name,
  })
  .readonly();

const listener = z
  .strictObject({
    name,
    address,
    tls: z.strictObject({ certificate: name, key: name }).readonly().exactOptional(),
    routes: list(route).check(z.minLength(1)),
    connectionAge: z.strictObject({ afterMs: positive, graceMs: positive.exactOptional() }).readonly().exactOptional(),
  })
  .readonly();

const endpoint = z
  .strictObject({ rest: address.exactOptional(), grpc: address.exactOptional(), dns: z.literal(true).exactOptional() })
  .readonly();

const upstream = z
  .strictObject({ service: name, endpoints: list(endpoint).check(z.minLength(1)), ...trafficForm })
  .readonly();

/** Form of a Plan. What refers to what is `invariants.ts`'s. */
export const planSchema: z.ZodType<Plan> = z
  .strictObject({
    format: z.literal(1),
    environment: name,
    gateway: name.exactOptional(),
    engine: z.enum(['embedded', 'haproxy']),
    epoch: z.string().regex(/^[0-9a-f]{16}$/),
    access,
    listeners: list(listener).check(z.minLength(1)),
    upstreams: list(upstream),
    bounds: z.strictObject({ bodyBytesMax: z.number().int().min(1).max(bodyBytesBoundMax) }).readonly(),
    audit: z.strictObject({ directory: name, record: z.enum(['required', 'best-effort']) }).readonly(),
    admin: address,
    telemetry: z
      .strictObject({ otlp: z.url(), samplePpm: z.number().int().min(0).max(wholePpm) })
      .readonly()
      .exactOptional(),
    state: name,
  })
  .readonly();
