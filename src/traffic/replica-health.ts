import type { HealthPlan } from '../plan/types.ts';

/** What a check found. */
export type Found =
  /** Version → state, as `GET /v1/models/{model}` says it. */
  | { readonly kind: 'states'; readonly states: ReadonlyMap<string, string> }
  /** The replica answers, and doesn't have the model. */
  | { readonly kind: 'missing' }
  /** `isGone`: nobody listens there, or the connection broke: what it had may be lost. */
  | { readonly kind: 'failed'; readonly why: string; readonly isGone: boolean };

/** What is known of one model on one replica. */
export interface ModelHealth {
  readonly model: string;
  /** Versions that have to be AVAILABLE; none: any. */
  versions: readonly string[];
  /** AVAILABLE ones; undefined: it hasn't said. */
  available: ReadonlySet<string> | undefined;
  /** Some version is on its way. */
  isLoading: boolean;
  /** It had all that is wanted, or all but what was bound since: so it will have it. */
  isExpected: boolean;
  /** Since when it lacks something. */
  sinceMs: number;
  /** When it is asked for next, while it is waited for. */
  dueMs: number;
  /** Time until then, the next time. */
  pauseMs: number;
  /** It was said that this is waited for. */
  isSaid: boolean;
}

/** Versions on their way; `END` and what is unknown aren't (tensorflow_serving/apis/get_model_status.proto). */
const onTheWay = new Set(['START', 'LOADING']);

/** `finance-prod/3`, or `finance-prod` where any version will do: what of it can't be called. */
export function lackingOf({ model, versions, available }: ModelHealth): string[] {
  if (versions.length === 0) return available === undefined || available.size === 0 ? [model] : [];
  return versions.filter((version) => available?.has(version) !== true).map((version) => `${model}/${version}`);
}

export type Liveness = 'unknown' | 'up' | 'down';

/** The state of one replica. */
export class ReplicaHealth {
  readonly service: string;
  /** `127.0.0.1:8501` */
  readonly name: string;
  health: HealthPlan;
  liveness: Liveness = 'unknown';
  sinceMs: number;
  /** Why it is down. */
  why: string | undefined;
  /** Its last answer was well-formed: only then it is asked for what is waited for. */
  isAnswering = false;
  /** One check at a time. */
  isBusy = false;
  /** When the next check of the rotation is due. */
  nextMs: number;
  /** When its connection ended last. */
  doubtedMs = Number.NEGATIVE_INFINITY;
  readonly models = new Map<string, ModelHealth>();
  /** Names of models that are waited for, in the order in which they are asked for. */
  readonly waiting = new Set<string>();
  #turn = 0;
  #rotation: readonly string[] = [];
  #goods = 0;
  #bads = 0;

  constructor(at: { readonly service: string; readonly name: string; readonly health: HealthPlan }, nowMs: number) {
    this.service = at.service;
    this.name = at.name;
    this.health = at.health;
    this.sinceMs = nowMs;
    this.nextMs = nowMs;
  }

  /** Takes up which models it should have. `offset`: where its rotation begins, so that replicas don't all ask for the same. */
  wants(models: ReadonlyMap<string, readonly string[]>, offset: number, nowMs: number): void {
    const names = [...models.keys()];
    const from = names.length === 0 ? 0 : offset % names.length;
    this.#rotation = [...names.slice(from), ...names.slice(0, from)];
    for (const model of this.models.keys()) if (!models.has(model)) this.#drop(model);
    for (const model of this.#rotation) {
      const versions = models.get(model) ?? [];
      const known = this.models.get(model);
      if (known === undefined) this.#add(model, versions, nowMs);
      else if (known.versions.join() !== versions.join()) this.#rebind(known, versions, nowMs);
    }
  }

  /** The next model of the rotation; undefined where it has none. */
  rotate(): string | undefined {
    if (this.#rotation.length === 0) return undefined;
    this.#turn = (this.#turn + 1) % this.#rotation.length;
    return this.#rotation[this.#turn];
  }

  /** Counts an answer of the rotation. True: up or down has changed. */
  count(isGood: boolean, nowMs: number): boolean {
    this.#goods = isGood ? this.#goods + 1 : 0;
    this.#bads = isGood ? 0 : this.#bads + 1;
    const isRisen = isGood && (this.liveness === 'unknown' || this.#goods >= this.health.rise);
    if (isRisen && this.liveness !== 'up') return this.#become('up', nowMs);
    if (this.#bads >= this.health.fall && this.liveness !== 'down') return this.#become('down', nowMs);
    return false;
  }

  /** It may have lost all that it had. */
  forget(nowMs: number): void {
    for (const model of this.models.values()) {
      if (model.available === undefined) continue;
      if (lackingOf(model).length === 0) Object.assign(model, { isExpected: true, sinceMs: nowMs });
      Object.assign(model, { available: undefined, isLoading: false, dueMs: nowMs, pauseMs: 0 });
      this.waiting.add(model.model);
    }
  }

  /** Everything is asked for again, and holds until then. */
  doubtAll(nowMs: number): void {
    for (const model of this.models.values()) {
      if (this.waiting.has(model.model)) continue;
      model.dueMs = nowMs;
      this.waiting.add(model.model);
    }
  }

  /** What it said of a model. True: it had all of it, and has no longer. */
  note(model: ModelHealth, found: Exclude<Found, { kind: 'failed' }>, nowMs: number): boolean {
    const had = lackingOf(model).length === 0;
    const states = found.kind === 'states' ? [...found.states] : [];
    model.available = new Set(states.flatMap(([version, state]) => (state === 'AVAILABLE' ? [version] : [])));
    model.isLoading = states.some(([, state]) => onTheWay.has(state));
    const lacks = lackingOf(model).length > 0;
    if (had && lacks) Object.assign(model, { isExpected: true, sinceMs: nowMs, pauseMs: 0 });
    return had && lacks;
  }

  #become(liveness: Liveness, nowMs: number): true {
    this.liveness = liveness;
    this.sinceMs = nowMs;
    return true;
  }

  #add(model: string, versions: readonly string[], nowMs: number): void {
    const flags = { available: undefined, isLoading: false, isExpected: false, isSaid: false };
    this.models.set(model, { model, versions, ...flags, sinceMs: nowMs, dueMs: nowMs, pauseMs: 0 });
    this.waiting.add(model);
  }

  /** What it has said holds; what is new is waited for, where it had the model. */
  #rebind(model: ModelHealth, versions: readonly string[], nowMs: number): void {
    const had = lackingOf(model).length === 0;
    model.versions = versions;
    if (had && lackingOf(model).length > 0) Object.assign(model, { isExpected: true, sinceMs: nowMs });
    Object.assign(model, { dueMs: nowMs, pauseMs: 0 });
    this.waiting.add(model.model);
  }

  #drop(model: string): void {
    this.models.delete(model);
    this.waiting.delete(model);
  }
}
