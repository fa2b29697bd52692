import { grpcErrorLines, refusingGrpc, refusingWholeGrpc } from './grpc-refusals.ts';
import { grpcAskName, grpcName, grpcPlainName, variables, walkName } from './names.ts';
import type { Place } from './place.ts';
import { call, directive, type Section } from './print.ts';
import { missedGrpcRules, permittedGrpcRules, plainlyPermittedGrpcRules, type RuleScene } from './rules.ts';
import { serverLines } from './servers.ts';
import type { Slots } from './slots.ts';
import { spoeFilter } from './spoe.ts';
import { request } from './words.ts';

const walk = directive(['filter', 'lua.message']);

/** The backends of a service for gRPC; of one that has no such replica, too, because HAProxy is to say so by itself. */
export function grpcSections({ scene, place, slots }: GrpcScene): Section[] {
  const { upstream, index } = scene;
  const rest = [...grpcErrorLines(upstream), ...serverLines(upstream, 'grpc', slots)];
  const permitted = permittedGrpcRules({ ...scene, refusing: refusingGrpc });
  const missed = missedGrpcRules({ ...scene, refusing: refusingGrpc });
  const ask = spoeFilter(place);
  const backend = directive(request(`set-var(${variables.backend})`, call('str', grpcAskName(index))));
  const plain = plainlyPermittedGrpcRules({ ...scene, refusing: refusingWholeGrpc });
  return [
    {
      head: ['backend', grpcPlainName(index)],
      lines: [...plain, ...rest],
      notes: ['gRPC calls whose permit is kept, whose message is here whole, and whose fields are plain.'],
    },
    {
      head: ['backend', grpcName(index)],
      lines: [...permitted, ...rest],
      notes: ['The same, with other fields.'],
    },
    {
      head: ['backend', walkName(index)],
      lines: [walk, ...permitted, ...rest],
      notes: ['The same, walked on as the rest of the message comes.'],
    },
    {
      head: ['backend', grpcAskName(index)],
      lines: [ask, walk, backend, ...missed, ...rest],
      notes: ['The same, for calls that the gate is asked about.'],
    },
  ];
}

export interface GrpcScene {
  readonly scene: RuleScene;
  readonly place: Place;
  readonly slots: Slots;
}
