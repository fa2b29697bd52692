import type { GrpcScene } from './grpc-backends.ts';
import { grpcAnswerRules, grpcErrorLines } from './grpc-refusals.ts';
import { backends, grpcAskName, grpcName, grpcPlainName, variables } from './names.ts';
import { call, type Directive, directive, type Section, test } from './print.ts';
import { streamRules } from './rules.ts';
import { serverLines } from './servers.ts';
import { spoeFilter } from './spoe.ts';
import { faultRules } from './stream-faults.ts';
import { refusingStream, streamReasons } from './stream-refusals.ts';
import { request, requestLine } from './words.ts';

/**
 * The backends of a service whose messages pass as they come. They are named as those of other gRPC services are: a service has one kind
 * or the other.
 */
export function streamSections({ scene, place, slots }: GrpcScene): Section[] {
  const { upstream, index } = scene;
  const rules = streamRules(scene);
  const rest = [
    // Without it, a client that leaves when it has sent all that it will isn't noticed before the service says something.
    directive(['option', 'abortonclose']),
    ...keepAliveLines('srvtcpka'),
    ...faultRules(),
    ...grpcErrorLines(upstream, false),
    ...serverLines(upstream, 'grpc', slots),
  ];
  const backend = directive(request(`set-var(${variables.backend})`, call('str', grpcAskName(index))));
  return [
    {
      head: ['backend', grpcPlainName(index)],
      lines: [...rules.plain, ...rest],
      notes: ['gRPC calls of any kind whose permit is kept, and whose fields are plain.'],
    },
    {
      head: ['backend', grpcName(index)],
      lines: [...rules.kept, ...rest],
      notes: ['The same, with other fields.'],
    },
    {
      head: ['backend', grpcAskName(index)],
      lines: [spoeFilter(place), backend, ...rules.asked, ...rest],
      notes: ['The same, for calls that the gate is asked about.'],
    },
  ];
}

/**
 * Finds out that a peer has gone from which nothing is awaited. HAProxy answers PINGs of both sides and sends none; TCP asks in its place.
 * `clitcpka`, `srvtcpka`: HAProxy 2.6, configuration.txt, section 4.2.
 */
export function keepAliveLines(kind: 'clitcpka' | 'srvtcpka'): Directive[] {
  return [
    directive(['option', kind]),
    directive([`${kind}-idle`, '30s']),
    directive([`${kind}-intvl`, '10s']),
    directive([`${kind}-cnt`, 3]),
  ];
}

/** Where the frontend sends what it refuses of such calls by itself. */
export function refusedStreamsSection(): Section {
  const always = test(call('always_true'), undefined);
  return {
    head: ['backend', backends.refusedStreams],
    lines: [
      directive(request(`set-var(${variables.request})`, requestLine)),
      ...streamReasons.flatMap((reason) => refusingStream(reason, always)),
      ...grpcAnswerRules(),
    ],
    notes: ['gRPC calls of any kind that are refused as they come; nobody is asked.'],
  };
}
