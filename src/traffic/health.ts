import type { HealthPlan } from '../plan/types.ts';
import { type ReplicaView, viewOf } from './health-view.ts';
import { type Found, lackingOf, type ModelHealth, ReplicaHealth } from './replica-health.ts';

/** Checks a second, over all replicas, for models that aren't known yet or are waited for; beside the rotation of each replica. */
export const waitingChecksPerSecondMax = 100;
/** A model that is on its way is asked for again after this time; one that isn't, later each time. */
export const waitingPauseMs = 500;
export const waitingPauseMsMax = 10_000;
/** What no replica has, and was asked for until the pause is so long, is waited for: it was meant to be there. */
export const nobodyPauseMs = 4000;
/** A replica whose connections end again and again is asked beside its turn so often at most. */
export const doubtPauseMs = 1000;

/** One service that is polled. */
export interface HealthTarget {
  readonly service: string;
  readonly health: HealthPlan;
  /** Model → versions that have to be AVAILABLE; none: any will do. */
  readonly models: ReadonlyMap<string, readonly string[]>;
  /** It is asked by `grpc.health.v1` in place of the state of models. */
  readonly isGrpc?: true;
  /** Names of its replicas. */
  readonly replicas: readonly string[];
}

/** One question to one replica: `GET /v1/models/{model}`, or `grpc.health.v1.Health/Check`. */
export interface Check {
  readonly service: string;
  readonly replica: string;
  /** undefined: the service has no models; any answer will do. */
  readonly model: string | undefined;
  /** Of the rotation: its outcome counts for up and down. */
  readonly isTurn: boolean;
}

/** Something that an operator wants to hear of. */
export interface HealthEvent {
  readonly kind: 'up' | 'down' | 'waiting' | 'ready';
  readonly service: string;
  readonly replica: string;
  /** Why it is down; `finance-prod/4`. */
  readonly what?: string;
}

interface Service {
  readonly target: HealthTarget;
  readonly replicas: ReadonlyMap<string, ReplicaHealth>;
  /** Model → replicas that have all of it. */
  readonly ready: Map<string, number>;
}

/**
 * Which replica is up and has what, and what is to be asked when. A replica gets one check per `every`, in rotation over its models,
 * which shows that it lives, too; what isn't known or is waited for is asked for beside that, `waitingChecksPerSecondMax` over all,
 * what no replica has first. Pure: it is told the time and what the checks found.
 */
export class HealthBook {
  readonly #services = new Map<string, Service>();
  readonly #changed = new Set<string>();
  #events: HealthEvent[] = [];
  #tokens = waitingChecksPerSecondMax / 10;
  #filledMs: number | undefined;
  #turn = 0;

  /** What is polled from now on; what is known of replicas that stay is kept. */
  take(targets: readonly HealthTarget[], nowMs: number): void {
    const gone = new Set(this.#services.keys());
    for (const target of targets) {
      gone.delete(target.service);
      this.#takeOne(target, nowMs);
    }
    for (const service of gone) this.#services.delete(service);
  }

  /** The checks to make now. Each is to be answered by `found`. */
  due(nowMs: number): Check[] {
    const all = [...this.#services.values()].flatMap(({ replicas }) => [...replicas.values()]);
    const turns = all
      .filter(({ isBusy, nextMs }) => !isBusy && nextMs <= nowMs)
      .map((replica) => this.#turnOf(replica, nowMs));
    this.#fill(nowMs);
    const more: Check[] = [];
    for (let offset = 0; offset < all.length && this.#tokens >= 1; offset += 1) {
      const replica = all[(this.#turn + offset) % all.length] as ReplicaHealth;
      const model = replica.isBusy || !replica.isAnswering ? undefined : this.#mostWanted(replica, nowMs);
      if (model === undefined) continue;
      this.#tokens -= 1;
      replica.isBusy = true;
      more.push({ service: replica.service, replica: replica.name, model: model.model, isTurn: false });
    }
    this.#turn += more.length;
    return [...turns, ...more];
  }

  found({ service: name, replica: address, model: asked, isTurn }: Check, found: Found, nowMs: number): void {
    const service = this.#services.get(name);
    const replica = service?.replicas.get(address);
    if (service === undefined || replica === undefined) return;
    replica.isBusy = false;
    replica.isAnswering = found.kind !== 'failed';
    if (found.kind === 'failed') {
      replica.why = found.why;
      if (found.isGone) this.#forget(service, replica, nowMs);
    }
    const counts = isTurn || (replica.isAnswering && replica.liveness === 'unknown');
    if (counts && replica.count(replica.isAnswering, nowMs)) this.#turned(service, replica, nowMs);
    const model = asked === undefined ? undefined : replica.models.get(asked);
    if (found.kind !== 'failed' && model !== undefined) this.#noted(service, replica, { model, found, nowMs });
  }

  /** Its connection ended: it is asked at once whether it is there; again not before `doubtPauseMs`. */
  doubt(service: string, name: string, nowMs: number): void {
    const replica = this.#services.get(service)?.replicas.get(name);
    if (replica === undefined || nowMs < replica.doubtedMs + doubtPauseMs) return;
    replica.doubtedMs = nowMs;
    replica.nextMs = Math.min(replica.nextMs, nowMs);
  }

  /** Whether a replica gets calls, and what it gets none for. undefined: its service isn't polled. */
  stateOf(service: string, name: string): { readonly isUp: boolean; readonly lacks: readonly string[] } | undefined {
    const replica = this.#services.get(service)?.replicas.get(name);
    if (replica === undefined) return undefined;
    return { isUp: replica.liveness === 'up', lacks: [...replica.models.values()].flatMap(lackingOf) };
  }

  /** Services of which a replica's state has changed since this was asked last. */
  takeChanged(): readonly string[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  takeEvents(): readonly HealthEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Whether every replica has been asked, and those that are up for every model. */
  get isSettled(): boolean {
    const all = [...this.#services.values()].flatMap(({ replicas }) => [...replicas.values()]);
    return all.every(({ liveness, models, why }) => {
      if (liveness === 'unknown') return why !== undefined;
      return liveness === 'down' || [...models.values()].every(({ available }) => available !== undefined);
    });
  }

  view(): ReplicaView[] {
    return [...this.#services.values()].flatMap(({ replicas }) => [...replicas.values()].map(viewOf));
  }

  #takeOne(target: HealthTarget, nowMs: number): void {
    const { service, health, models } = target;
    const before = this.#services.get(service)?.replicas;
    const spread = Math.floor(models.size / Math.max(1, target.replicas.length));
    const replicas = target.replicas.map((name, index) => {
      const replica = before?.get(name) ?? new ReplicaHealth({ service, name, health }, nowMs);
      replica.health = health;
      replica.wants(models, index * spread, nowMs);
      return [name, replica] as const;
    });
    const taken = { target, replicas: new Map(replicas), ready: new Map<string, number>() };
    this.#services.set(service, taken);
    for (const model of models.keys()) taken.ready.set(model, readyCount(taken, model));
    this.#changed.add(service);
  }

  #turnOf(replica: ReplicaHealth, nowMs: number): Check {
    replica.isBusy = true;
    replica.nextMs = nowMs + replica.health.everyMs;
    return { service: replica.service, replica: replica.name, model: replica.rotate(), isTurn: true };
  }

  #fill(nowMs: number): void {
    const spentMs = nowMs - (this.#filledMs ?? nowMs);
    this.#filledMs = nowMs;
    const most = waitingChecksPerSecondMax / 10;
    this.#tokens = Math.min(most, this.#tokens + (spentMs * waitingChecksPerSecondMax) / 1000);
  }

  /** Of what a replica waits for: what no replica has; else the first that is due. */
  #mostWanted(replica: ReplicaHealth, nowMs: number): ModelHealth | undefined {
    const ready = this.#services.get(replica.service)?.ready;
    let first: ModelHealth | undefined;
    for (const name of replica.waiting) {
      const model = replica.models.get(name);
      if (model === undefined || model.dueMs > nowMs) continue;
      if (ready?.get(name) === 0) return model;
      first ??= model;
    }
    return first;
  }

  #turned(service: Service, replica: ReplicaHealth, nowMs: number): void {
    const isUp = replica.liveness === 'up';
    if (isUp) replica.why = undefined;
    else this.#forget(service, replica, nowMs);
    const what = isUp || replica.why === undefined ? {} : { what: replica.why };
    this.#say(replica, { kind: isUp ? 'up' : 'down', ...what });
    this.#changed.add(service.target.service);
    for (const model of replica.models.keys()) this.#recount(service, model, nowMs);
  }

  #forget(service: Service, replica: ReplicaHealth, nowMs: number): void {
    replica.forget(nowMs);
    this.#changed.add(service.target.service);
    for (const model of replica.models.keys()) this.#recount(service, model, nowMs);
  }

  #noted(
    service: Service,
    replica: ReplicaHealth,
    { model, found, nowMs }: { model: ModelHealth; found: Exclude<Found, { kind: 'failed' }>; nowMs: number },
  ): void {
    const before = lackingOf(model).join();
    const isLost = replica.note(model, found, nowMs);
    const lacking = lackingOf(model);
    if (before !== lacking.join()) this.#changed.add(service.target.service);
    this.#recount(service, model.model, nowMs);
    const isFirst = service.ready.get(model.model) === 0;
    if (isFirst && lacking.length > 0 && model.pauseMs >= nobodyPauseMs) model.isExpected = true;
    const isWaiting = lacking.length > 0 && (model.isLoading || model.isExpected || isFirst);
    if (isWaiting) this.#wait(replica, model, nowMs);
    else replica.waiting.delete(model.model);
    this.#sayOf(replica, model, lacking);
    // A model that is there no more: perhaps all is anew.
    if (isLost && !model.isLoading) replica.doubtAll(nowMs);
  }

  /** At the end of those that are waited for, so that all get their turn. */
  #wait(replica: ReplicaHealth, model: ModelHealth, nowMs: number): void {
    const pauseMs = Math.min(waitingPauseMs, replica.health.everyMs);
    model.pauseMs = model.isLoading ? pauseMs : Math.min(waitingPauseMsMax, Math.max(pauseMs, model.pauseMs * 2));
    model.dueMs = nowMs + model.pauseMs;
    replica.waiting.delete(model.model);
    replica.waiting.add(model.model);
  }

  #sayOf(replica: ReplicaHealth, model: ModelHealth, lacking: readonly string[]): void {
    if (lacking.length === 0 && model.isSaid) this.#say(replica, { kind: 'ready', what: nameOf(model) });
    if (lacking.length === 0) Object.assign(model, { isSaid: false, isExpected: false });
    else if (!model.isSaid && (model.isLoading || model.isExpected)) {
      model.isSaid = true;
      this.#say(replica, { kind: 'waiting', what: lacking.join(', ') });
    }
  }

  /** Where no replica has a model any more, those that said they don't have it are asked again. */
  #recount(service: Service, model: string, nowMs: number): void {
    const count = readyCount(service, model);
    const before = service.ready.get(model);
    service.ready.set(model, count);
    if (count > 0 || before === 0) return;
    for (const { models, waiting } of service.replicas.values()) {
      const other = models.get(model);
      if (other === undefined || waiting.has(model)) continue;
      Object.assign(other, { dueMs: nowMs, pauseMs: 0 });
      waiting.add(model);
    }
  }

  #say({ service, name }: ReplicaHealth, event: Pick<HealthEvent, 'kind' | 'what'>): void {
    this.#events.push({ service, replica: name, ...event });
  }
}

function readyCount({ replicas }: Service, model: string): number {
  let count = 0;
  for (const { liveness, models } of replicas.values()) {
    const known = models.get(model);
    if (liveness === 'up' && known !== undefined && lackingOf(known).length === 0) count += 1;
  }
  return count;
}

function nameOf({ model, versions }: ModelHealth): string {
  return versions.length === 0 ? model : versions.map((version) => `${model}/${version}`).join(', ');
}
