import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import type { Operation } from '../../protocols/types.ts';
import { remember } from '../../std/remember.ts';
import type { AssistedRoute, Feature } from '../engine.ts';
import { capabilities } from './capabilities.ts';

/** What HAProxy has carried by the embedded engine, as the Plan alone says it: pure, and the same object for the same Plan. */
export const assistedRoutes: (plan: Plan) => readonly AssistedRoute[] = remember(({ upstreams }: Plan) =>
  upstreams.flatMap((upstream) => {
    const { service } = upstream;
    const whole = wholeFeatures(upstream).filter(isHandedOver);
    const models = modelNames(upstream).flatMap((model) => {
      const features = modelFeatures(upstream, model);
      return features.length === 0 ? [] : [{ service, model, features }];
    });
    return whole.length === 0 ? models : [{ service, features: whole }, ...models];
  }),
);

/** What neither side does is refused, or left out with a word, before there is a Plan. */
function isHandedOver(feature: Feature): boolean {
  return capabilities[feature] === 'assisted';
}

/** What stands for all calls of the service. */
export function wholeFeatures({ queue, compression = {}, streams, ...upstream }: UpstreamPlan): Feature[] {
  const { answers = [], requests } = compression;
  const features: Feature[] = [];
  if (streams?.end === 'status') features.push('stream-end-status');
  if (queue?.service !== undefined) features.push('queue');
  if (answers.includes('br')) features.push('compress-br');
  if (answers.includes('zstd')) features.push('compress-zstd');
  if (requests !== undefined) features.push('compress-requests');
  if (mayBeUneven(upstream)) features.push('readiness-by-model');
  return features;
}

function modelNames({ queue, models = {} }: UpstreamPlan): string[] {
  return [...new Set([...Object.keys(models), ...Object.keys(queue?.models ?? {})])];
}

function modelFeatures({ queue, models = {} }: UpstreamPlan, model: string): Feature[] {
  const { repeats, sequence } = models[model] ?? {};
  const features: Feature[] = [];
  if (repeats !== undefined) features.push('coalesce');
  if (sequence !== undefined) features.push('sequence');
  if (queue?.models?.[model] !== undefined) features.push('queue');
  return features;
}

/** Whether replicas are asked what models they have, so that some may turn out to lack one: also where there is one replica alone. */
export function mayBeUneven({ health, endpoints }: Pick<UpstreamPlan, 'health' | 'endpoints'>): boolean {
  // What is reached over gRPC alone has no models.
  return health !== undefined && endpoints.some(({ rest }) => rest !== undefined);
}

/** REST alone, and gRPC alone. */
const ofRest: ReadonlySet<Feature> = new Set(['compress-br', 'compress-zstd', 'compress-requests']);
const ofGrpc: ReadonlySet<Feature> = new Set(['stream-end-status']);

/** Of one service, for REST or for gRPC. */
export interface AssistedWay {
  /**
   * `always`: some of its calls go the assisted way, so each that the gate is asked about does: where it goes has to be settled
   * before. `uneven`: some may, while its replicas differ in what models they have.
   */
  readonly asked: 'always' | 'uneven';
  /** Every call. */
  readonly isWhole: boolean;
  readonly models: ReadonlySet<string>;
}

const waysOf = remember((plan: Plan): ReadonlyMap<string, AssistedWay> => {
  const ways = new Map<string, AssistedWay>();
  for (const { service } of plan.upstreams) {
    const routes = assistedRoutes(plan).filter((route) => route.service === service);
    for (const kind of ['rest', 'grpc'] as const) {
      const way = wayOf(routes, kind);
      if (way !== undefined) ways.set(`${kind} ${service}`, way);
    }
  }
  return ways;
});

function wayOf(routes: readonly AssistedRoute[], kind: 'rest' | 'grpc'): AssistedWay | undefined {
  const fit = (feature: Feature): boolean => !(kind === 'rest' ? ofGrpc : ofRest).has(feature);
  const whole = routes.filter(({ model }) => model === undefined).flatMap(({ features }) => features.filter(fit));
  const models = new Set(routes.flatMap(({ model }) => model ?? []));
  if (whole.length + models.size === 0) return undefined;
  const isWhole = whole.some((feature) => feature !== 'readiness-by-model');
  return { asked: isWhole || models.size > 0 ? 'always' : 'uneven', isWhole, models };
}

/** How calls of a service may go the assisted way; undefined: none does. */
export function assistedWay(plan: Plan, service: string, kind: 'rest' | 'grpc'): AssistedWay | undefined {
  return waysOf(plan).get(`${kind} ${service}`);
}

/** Whether calls of a service go the assisted way only while its replicas differ. */
export function isAskedIfUneven(plan: Plan, service: string): boolean {
  return (['rest', 'grpc'] as const).some((kind) => assistedWay(plan, service, kind)?.asked === 'uneven');
}

/** Whether any call may. */
export function hasAssisted(plan: Plan): boolean {
  return waysOf(plan).size > 0;
}

/** Whether a call goes the assisted way, and goes on to while its permit is kept. `uneven`: `service/model` of models not all replicas have. */
export function isAssisted(plan: Plan, { service, model, grpc }: Operation, uneven: ReadonlySet<string>): boolean {
  const way = assistedWay(plan, service, grpc === true ? 'grpc' : 'rest');
  if (way === undefined) return false;
  return way.isWhole || (model !== undefined && (way.models.has(model) || uneven.has(`${service}/${model}`)));
}
