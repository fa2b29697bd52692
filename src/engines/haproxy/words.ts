import { variables } from './names.ts';
import { type Condition, call, chain, type Format, format, not, type Sample, test } from './print.ts';

/** Words and samples that rules are made of. */

export const variable = (name: string): Sample => call('var', name);
export const isFound = (name: string): Condition => test(variable(name), 'found');

/** A gRPC call. */
export const isGrpcCall = isFound(variables.grpc);

/** Of one line. */
export type Words = readonly (string | number)[];

/** A rule on a request. */
export const request = (...words: Words): Words => ['http-request', ...words];
/** A rule on an answer, HAProxy's own included. */
export const after = (...words: Words): Words => ['http-after-response', ...words];

/** What the audit needs of a request that nobody was asked about. */
export const requestLine = chain(variable(variables.method), call('concat', ' ', variables.path));

/** Whether all of a gRPC call's body is in the buffer; whether some of it may still come. */
export const isWhole = test(variable(variables.whole), 'bool');
export const isUnderWay = not(isWhole);

/** Stands for the request's id in texts of the gate. */
export const placeholder = 'REQUEST-ID';

/** A text as a log format, with the request's own id where the placeholder stands. */
export function withRequestId(text: string): Format {
  const [before = '', behind] = text.split(placeholder);
  return behind === undefined ? format(before) : format(before, { sample: call('unique-id') }, behind);
}
