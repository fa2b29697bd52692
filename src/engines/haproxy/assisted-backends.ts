import { trafficOf } from '../../plan/index.ts';
import type { Plan, UpstreamPlan } from '../../plan/types.ts';
import { assistedWay } from './assisted.ts';
import { lateBodyLine } from './body-rules.ts';
import { grpcAnswerRules, grpcErrorLines, refusingGrpc } from './grpc-refusals.ts';
import { takeBackRules } from './handing-over.ts';
import {
  assistAskName,
  assistGrpcAskName,
  assistGrpcName,
  assistName,
  assistServer,
  leavingDefaults,
  variables,
} from './names.ts';
import type { Place } from './place.ts';
import { call, type Directive, directive, type Section } from './print.ts';
import {
  handedGrpcRules,
  handedRules,
  missedHandedGrpcRules,
  missedHandedRules,
  type RuleScene,
  streamRules,
} from './rules.ts';
import { spoeFilter } from './spoe.ts';
import { streamServices } from './stream-services.ts';
import { apartLines } from './streams-apart.ts';
import { request } from './words.ts';

export interface AssistScene {
  readonly plan: Plan;
  readonly scene: RuleScene;
  readonly place: Place;
  /** Whether any listener takes gRPC calls. */
  readonly isGrpc: boolean;
}

/** Backends of calls that go the assisted way: none where the Plan has none. */
export function assistedSections({ plan, scene, place, isGrpc }: AssistScene): Section[] {
  const { upstream, index } = scene;
  const { service } = upstream;
  const asked = (name: string): Directive[] => [
    spoeFilter(place),
    directive(request(`set-var(${variables.backend})`, call('str', name))),
  ];
  const rest = [lateBodyLine(), ...assistLines(upstream, place, [])];
  const grpcScene = { ...scene, refusing: refusingGrpc };
  const grpc = [...grpcErrorLines(upstream), ...apartLines(), ...assistLines(upstream, place, ['proto', 'h2'])];
  if (streamServices(plan).has(service)) return streamHandSections({ plan, scene, place, isGrpc });
  const sections: Section[] = [];
  if (assistedWay(plan, service, 'rest') !== undefined) {
    sections.push(
      {
        head: headOf(assistName(index)),
        lines: [...handedRules(scene), ...rest],
        notes: ['The same service, by way of the embedded engine, for calls whose permit is kept.'],
      },
      {
        head: headOf(assistAskName(index)),
        lines: [...asked(assistAskName(index)), ...missedHandedRules(scene), ...grpcAnswerRules(), ...rest],
        notes: ['The same, for calls that the gate is asked about.'],
      },
    );
  }
  if (isGrpc && assistedWay(plan, service, 'grpc') !== undefined) {
    sections.push(
      {
        head: headOf(assistGrpcName(index)),
        lines: [...handedGrpcRules(grpcScene), ...grpc],
        notes: ['gRPC calls by way of the embedded engine, which walks on as the rest of a message comes.'],
      },
      {
        head: headOf(assistGrpcAskName(index)),
        lines: [...asked(assistGrpcAskName(index)), ...missedHandedGrpcRules(grpcScene), ...grpc],
        notes: ['The same, for calls that the gate is asked about.'],
      },
    );
  }
  return sections;
}

/** The same of a service whose messages pass as they come. */
function streamHandSections({ plan, scene, place }: AssistScene): Section[] {
  const { upstream, index } = scene;
  if (assistedWay(plan, upstream.service, 'grpc') === undefined) return [];
  const { handed, handedAsked } = streamRules(scene);
  const name = assistGrpcAskName(index);
  const rest = [...grpcErrorLines(upstream, false), ...apartLines(), ...assistLines(upstream, place, ['proto', 'h2'])];
  return [
    {
      head: headOf(assistGrpcName(index)),
      lines: [...handed, ...rest],
      notes: ['gRPC calls of any kind by way of the embedded engine.'],
    },
    {
      head: headOf(name),
      lines: [
        spoeFilter(place),
        directive(request(`set-var(${variables.backend})`, call('str', name))),
        ...handedAsked,
        ...rest,
      ],
      notes: ['The same, for calls that the gate is asked about.'],
    },
  ];
}

const headOf = (name: string): string[] => ['backend', name, 'from', leavingDefaults];

/** Room for the way to the assisting side and back. */
const wayMs = 5000;

/**
 * INVARIANT: no other server than the assisting side, and no second try: where nobody listens there, the call is 503, and goes around
 * neither queue nor gate.
 */
function assistLines(upstream: UpstreamPlan, { assistSocket }: Place, words: readonly string[]): Directive[] {
  return [
    ...takeBackRules(),
    directive(['timeout', 'server', `${patienceMs(upstream) + wayMs}ms`]),
    directive(['http-reuse', 'always']),
    directive(['retries', 0]),
    directive(['server', assistServer, `unix@${assistSocket}`, ...words]),
  ];
}

/** How long the assisting side may take at most until it answers: all waiting and all tries. */
function patienceMs(upstream: UpstreamPlan): number {
  const { connectMs, answerMs, retries } = trafficOf(upstream);
  const { service, models = {} } = upstream.queue ?? {};
  const waits = Object.values(models).map(({ waitMs }) => waitMs);
  return Math.max(0, ...waits) + (service?.waitMs ?? 0) + retries.triesMax * (connectMs + answerMs);
}
