import { z } from 'zod';
import {
  answerTimeoutMsMax,
  connectTimeoutMsMax,
  healthAnswersMax,
  healthEveryMsMax,
  healthEveryMsMin,
  queuePlacesMax,
  queueWaitMsMax,
  timeoutMsMin,
  triesMax,
} from '../../std/limits.ts';
import { shown } from '../shown.ts';
import { name, nameCharactersMax, text } from './leaves.ts';
import { count, duration } from './measures.ts';
import { type Fault, note, notes } from './notes.ts';
import { checkAnswerCodings, checkQueue, checkQueues } from './traffic-checks.ts';
import { share } from './versions.ts';

const timeouts = z
  .strictObject({
    connect: duration(
      'connect',
      { min: timeoutMsMin, max: connectTimeoutMsMax },
      'How long connecting to a replica may take. Default 2s.',
    ).optional(),
    answer: duration(
      'answer',
      { min: timeoutMsMin, max: answerTimeoutMsMax },
      'How long a replica may be silent. Default 60s.',
    ).optional(),
    deadline: duration(
      'deadline',
      { min: timeoutMsMin, max: answerTimeoutMsMax },
      'How long a whole call may take, waiting and further tries included. Left out: no bound.',
    ).optional(),
  })
  .meta({ minProperties: 1 })
  .register(
    notes,
    note({
      what: 'a map of `connect`, `answer` and `deadline`',
      within: '`timeouts`',
      hint: 'write `timeouts: { connect: 1s, answer: 4s, deadline: 5s }`',
    }),
  );

/** Full name of a service: `acme.orders.v1.Orders`. */
const serviceName = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

const healthService = text('the full name of a gRPC service', serviceFault, {
  pattern: serviceName,
  description: 'Name that a gRPC service is asked about by `grpc.health.v1`. Left out: the server as a whole.',
});

function serviceFault(written: string): Fault | undefined {
  if (serviceName.test(written) && written.length <= nameCharactersMax) return undefined;
  const message = `\`${shown(written)}\` is not the name of a gRPC service`;
  return { code: 'HG1324', message, hint: 'its full name: `acme.orders.v1.Orders`' };
}

const health = z
  .strictObject({
    every: duration(
      'every',
      { min: healthEveryMsMin, max: healthEveryMsMax },
      'How often each replica is asked whether it serves, and what. Default 2s.',
    ).optional(),
    rise: count(
      'rise',
      { min: 1, max: healthAnswersMax },
      'Good answers in a row until it is up again. Default 2.',
    ).optional(),
    fall: count(
      'fall',
      { min: 1, max: healthAnswersMax },
      'Bad answers in a row until it is down. Default 3.',
    ).optional(),
    service: healthService.optional(),
  })
  .register(
    notes,
    note({
      what: 'a map of `every`, `rise`, `fall` and `service`',
      within: '`health`',
      hint: 'write `health: { every: 2s, rise: 2, fall: 3 }`',
    }),
  );

const retriesHint = 'write `retries: { tries: 2, budget: 20% }`, or `retries: none`';

const retries = z
  .union([
    z.literal('none').register(notes, note({ what: '`none`', hint: retriesHint })),
    z
      .strictObject({
        tries: count(
          'tries',
          { min: 1, max: triesMax },
          'Tries of a call, the first among them. Default 2.',
        ).optional(),
        budget: share('Further tries in relation to calls. Default 20%.').optional(),
      })
      .meta({ minProperties: 1 })
      .register(notes, note({ what: 'a map of `tries` and `budget`', within: '`retries`', hint: retriesHint })),
  ])
  .meta({ description: 'Calls that are safe to send again, while their body is held whole.' })
  .register(notes, note({ what: '`none`, or a map of `tries` and `budget`', hint: retriesHint }));

const places = {
  inFlight: count('inFlight', { min: 1, max: queuePlacesMax }, 'Calls that the service has at once.'),
  waiting: count(
    'waiting',
    { min: 1, max: queuePlacesMax },
    'Calls that may wait beyond those. Left out: none.',
  ).optional(),
  wait: duration('wait', { min: timeoutMsMin, max: queueWaitMsMax }, 'How long each may wait.').optional(),
};

const queueForm = '{ inFlight: 64, waiting: 200, wait: 500ms }';

const modelQueue = z
  .strictObject(places)
  .register(notes, note({ what: 'a queue', hint: `write \`${queueForm}\``, checkMap: checkQueue }));

const queue = z
  .strictObject({
    ...places,
    inFlight: places.inFlight.optional(),
    models: z
      .record(name('a model', { addresses: true }), modelQueue)
      .meta({ minProperties: 1, description: 'Queues of single models: a call passes that of its model first.' })
      .register(
        notes,
        note({
          what: 'a map of models',
          hint: 'write `models: { finance-prod: { inFlight: 8, waiting: 20, wait: 200ms } }`',
        }),
      )
      .optional(),
  })
  .meta({ minProperties: 1 })
  .register(notes, note({ what: 'a queue', hint: `write \`queue: ${queueForm}\``, checkMap: checkQueues }));

const coding = z.enum(['zstd', 'br', 'gzip']).register(notes, note({ what: 'a coding' }));

const compression = z
  .strictObject({
    answers: z
      .array(coding)
      .min(1)
      .describe('Codings of answers, the preferred first, of those that the client accepts.')
      .register(
        notes,
        note({
          what: 'a list of codings',
          hint: 'write `answers: [zstd, br, gzip]`',
          checkItems: checkAnswerCodings,
        }),
      )
      .optional(),
    requests: coding
      .optional()
      .describe('Coding of requests towards the service, which has to understand it. Left out: as they come.'),
  })
  .meta({ minProperties: 1 })
  .register(
    notes,
    note({
      what: 'a map of `answers` and `requests`',
      within: '`compression`',
      hint: 'write `compression: { answers: [zstd, br, gzip] }`',
    }),
  );

/** How calls are carried to a service: keys of its binding in an environment. */
export const trafficKeys = {
  timeouts: timeouts.optional(),
  health: health
    .optional()
    .describe('Each replica is asked for the state of its models, or by `grpc.health.v1`, once for the whole gateway.'),
  retries: retries.optional(),
  queue: queue.optional(),
  compression: compression.optional(),
};
