import { z } from 'zod';
import {
  answerTimeoutMsMax,
  connectTimeoutMsMax,
  healthAnswersMax,
  healthEveryMsMax,
  queuePlacesMax,
  queueWaitMsMax,
  triesMax,
} from '../std/limits.ts';
import { wholePpm } from '../std/share.ts';

const upTo = (max: number) => z.number().int().min(1).max(max);
const byModel = <T extends z.ZodType>(value: T) => z.record(z.string().min(1).max(256), value).readonly();

const timeouts = z
  .strictObject({
    connectMs: upTo(connectTimeoutMsMax).exactOptional(),
    answerMs: upTo(answerTimeoutMsMax).exactOptional(),
    deadlineMs: upTo(answerTimeoutMsMax).exactOptional(),
  })
  .readonly();

// Wider than what people may write, which policy holds: a Plan that was made by hand may poll more often.
const health = z
  .strictObject({
    everyMs: upTo(healthEveryMsMax),
    rise: upTo(healthAnswersMax),
    fall: upTo(healthAnswersMax),
    service: z.string().min(1).exactOptional(),
  })
  .readonly();

const retries = z
  .strictObject({ triesMax: upTo(triesMax), budgetPpm: z.number().int().min(0).max(wholePpm) })
  .readonly();

const queue = z
  .strictObject({
    inFlightMax: upTo(queuePlacesMax),
    waitingMax: z.number().int().min(0).max(queuePlacesMax),
    waitMs: z.number().int().min(0).max(queueWaitMsMax),
  })
  .readonly();

const coding = z.enum(['gzip', 'br', 'zstd']);

const model = z
  .strictObject({
    sequence: z
      .strictObject({ header: z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/) })
      .readonly()
      .exactOptional(),
    repeats: z
      .strictObject({ share: z.enum(['caller', 'rule']) })
      .readonly()
      .exactOptional(),
  })
  .readonly();

/** Form of how calls are carried to a service: the members of `UpstreamPlan` beyond its name and endpoints. */
export const trafficForm = {
  timeouts: timeouts.exactOptional(),
  health: health.exactOptional(),
  retries: retries.exactOptional(),
  queue: z
    .strictObject({ service: queue.exactOptional(), models: byModel(queue).exactOptional() })
    .readonly()
    .exactOptional(),
  compression: z
    .strictObject({
      answers: z.array(coding).readonly().check(z.minLength(1)).exactOptional(),
      requests: coding.exactOptional(),
    })
    .readonly()
    .exactOptional(),
  streams: z
    .strictObject({ end: z.literal('status') })
    .readonly()
    .exactOptional(),
  models: byModel(model).exactOptional(),
};
