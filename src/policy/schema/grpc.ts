import { z } from 'zod';
import { pathFault } from './environment-faults.ts';
import { methodFault, methodPattern } from './grpc-faults.ts';
import { text } from './leaves.ts';
import { note, notes } from './notes.ts';

const streamsHint = 'write `streams: { end: status }`, or leave `streams` away';

const streams = z
  .strictObject({
    end: z
      .enum(['status', 'reset'])
      .describe(
        'How an open call ends when its access does. status: with PERMISSION_DENIED or UNAUTHENTICATED, on every engine. reset: as the engine can by itself. Default reset.',
      )
      .register(notes, note({ what: 'a way to end open calls', hint: streamsHint })),
  })
  .register(notes, note({ what: 'a map with `end`', within: '`streams`', hint: streamsHint }));

const methodHint = 'write `acme.orders.v1.Orders/Get: { idempotent: true }`';

const method = z
  .strictObject({
    idempotent: z
      .literal(true)
      .describe('A call that failed may be made again.')
      .register(notes, note({ what: '`true`', hint: methodHint })),
  })
  .register(notes, note({ what: 'a method', hint: methodHint }));

/** Keys of a service of protocol `grpc`. */
export const grpcKeys = {
  descriptors: text('the path of a descriptor set such as `file:orders.binpb`', pathFault, {
    description:
      'FileDescriptorSet of the service, as `protoc --include_imports --descriptor_set_out` writes it. With it, methods are a closed world.',
  }).optional(),
  methods: z
    .record(text('the name of a method', methodFault, { pattern: methodPattern }), method)
    .meta({ minProperties: 1, description: 'What holds of single methods where no descriptors say it.' })
    .register(notes, note({ what: 'a map of methods', hint: methodHint }))
    .optional(),
  streams: streams.optional(),
};

const untilHint = 'write `streams: { until: expiry }`, or leave `streams` away';

/** Of a rule: how long the streams that it lets in may stay open. */
export const ruleStreams = z
  .strictObject({
    until: z
      .enum(['expiry'])
      .describe('expiry: an open stream ends when the credential does that it came with.')
      .register(notes, note({ what: 'an end of streams', hint: untilHint })),
  })
  .register(notes, note({ what: 'a map with `until`', within: '`streams`', hint: untilHint }));
