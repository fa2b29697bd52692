import { variables } from './names.ts';
import { call, chain, type Format, format, type Sample } from './print.ts';
import { recordOffsets } from './record.ts';
import { recordField } from './refusals.ts';
import { variable } from './words.ts';

/**
 * What a spool line holds, in order, between tabs, after the form's name and the worker: as an event holds them, so that a reader
 * copies from left to right. See plain-lines.ts and log-line.ts for its readers.
 */
export const logFields = [
  'listener',
  'counter',
  'timeMs',
  'sequence',
  'address',
  'totalMs',
  'connectMs',
  'upstreamMs',
  'bytesIn',
  'bytesOut',
  'endpointHost',
  'endpointPort',
  'status',
  'trace',
  'askedCore',
  'keptCore',
  'termination',
  'tries',
  'grpc',
  'request',
] as const;

export type LogField = (typeof logFields)[number];

/** Name of the form, the first field of each line. */
export const logForm = 'g3';
/** Where calls may be handed over: with how a call was carried in front of the last field. */
export const assistedLogForm = 'a3';

const field = (name: string): { field: string } => ({ field: name });
const value = (sample: Sample): { sample: Sample } => ({ sample });

interface LogScene {
  readonly worker: string;
  /** Its index, from 1. */
  readonly listener: number;
  /** Whether it has calls of gRPC. */
  readonly isGrpc: boolean;
  /** Whether some of its calls may go the assisted way. */
  readonly isAssisted: boolean;
}

/** What HAProxy prints for a variable that isn't set. */
const unset = '-';

/** `%lc` counts the lines of a frontend from 0, so a gap is a lost line; `%rt` makes the request's id again. */
export function auditFormat({ worker, listener, isGrpc, isAssisted }: LogScene): Format {
  const parts: Record<LogField, string | { field: string } | { sample: Sample }> = {
    sequence: field('lc'),
    timeMs: value(call('date', 0, 'ms')),
    counter: field('rt'),
    address: value(variable(variables.peer)),
    status: field('ST'),
    askedCore: value(variable(variables.answer.coreNumber)),
    keptCore: value(recordField(recordOffsets.core)),
    trace: value(variable(variables.trace)),
    totalMs: field('Ta'),
    connectMs: field('Tc'),
    upstreamMs: field('Tr'),
    bytesIn: field('U'),
    bytesOut: field('B'),
    // In hexadecimal: as people write it, it costs as much as four rules.
    endpointHost: value(chain(call('bc_dst'), call('hex'))),
    endpointPort: field('sp'),
    termination: field('ts'),
    // Those beyond the first.
    tries: field('rc'),
    listener: String(listener),
    // Looking for a variable costs each call something.
    grpc: isGrpc ? value(variable(variables.grpc)) : unset,
    request: value(variable(variables.request)),
  };
  const fields: (string | { field: string } | { sample: Sample })[] = logFields.map((name) => parts[name]);
  if (isAssisted) fields.splice(-1, 0, value(variable(variables.carried)));
  return format(`${isAssisted ? assistedLogForm : logForm}\t${worker}`, ...fields.flatMap((part) => ['\t', part]));
}
