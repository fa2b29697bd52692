import { variables } from './names.ts';
import { all, any, type Condition, call, type Directive, directive, format, test } from './print.ts';
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
  const id = { sample: call('unique-id') };
  const fault = (grpcStatus: number, when?: Condition): Directive => {
    const message = format(
      'The service answered with HTTP status ',
      { sample: variable(variables.fault) },
      ' (',
      id,
      ')',
    );
    return directive(answer(grpcStatus, message), when);
  };
  const odd = format('The service answered with something that is no gRPC (', id, ')');
  return [
    // Nearly every answer.
    directive(['http-response', 'allow'], any(all(isServed, isGrpc), hasStatus)),
    directive(answer(unknown, odd), isServed),
    // While the answer is made, HAProxy 2.6 has no status: to ask for it then would end the call by a reset.
    directive(['http-response', `set-var(${variables.fault})`, status]),
    ...ofHttp.map(([grpcStatus, ...statuses]) => fault(grpcStatus, test(status, 'int', ...statuses))),
    fault(unknown),
  ];
}

function answer(grpcStatus: number, message: string): string[] {
  return [
    'http-response',
    'return',
    'status',
    '200',
    'hdr',
    'grpc-status',
    String(grpcStatus),
    'hdr',
    'grpc-message',
    message,
  ];
}
