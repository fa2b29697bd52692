import { statusDetailsHeader } from '../../gate/index.ts';
import { variables } from './names.ts';
import {
  all,
  any,
  type Condition,
  call,
  chain,
  type Directive,
  directive,
  type Format,
  format,
  test,
} from './print.ts';
import { variable } from './words.ts';

/** What an answer stands for that has an HTTP status and no grpc-status. Source: gRPC, "HTTP to gRPC Status Code Mapping". */
const ofHttp: readonly (readonly [grpcStatus: number, ...statuses: number[]])[] = [
  [13, 400],
  [16, 401],
  [7, 403],
  [12, 404],
  [14, 429, 502, 503, 504],
];
const unknown = 2;

const status = call('status');
const isServed = test(status, 'int', 200);
const isGrpc = test(call('res.fhdr', 'content-type'), 'beg', 'application/grpc');
const hasStatus = test(call('res.fhdr', 'grpc-status'), 'found');

/** Answers of a service that are no gRPC, as gRPC says them: of a proxy before it, or of something else in its place. */
export function faultRules(): Directive[] {
  const say = (sentence: Format, when?: Condition): Directive =>
    directive(['http-response', `set-var-fmt(${variables.fault})`, sentence], when);
  return [
    // Nearly every answer.
    directive(['http-response', 'allow'], any(all(isServed, isGrpc), hasStatus)),
    // While the answer is made, HAProxy 2.6 has no status: to ask for it then would end the call by a reset.
    say(format('The service answered with HTTP status ', { sample: status })),
    say(format('The service answered with something that is no gRPC'), isServed),
    ...ofHttp.map(([grpcStatus, ...statuses]) => directive(answer(grpcStatus), test(status, 'int', ...statuses))),
    directive(answer(unknown)),
  ];
}

/** What `grpcFault` of the gate is. */
function answer(grpcStatus: number): string[] {
  const [id, sentence] = [call('unique-id'), variable(variables.fault)];
  const details = chain(
    id,
    call('concat', ';', variables.fault),
    call('lua.fault_details', grpcStatus),
    call('base64'),
  );
  const fields = [
    ['grpc-status', String(grpcStatus)],
    ['grpc-message', format({ sample: sentence }, ' (', { sample: id }, ')')],
    [statusDetailsHeader, format({ sample: details })],
  ] as const;
  const words = fields.flatMap(([name, value]) => ['hdr', name, value]);
  return ['http-response', 'return', 'status', '200', ...words];
}
