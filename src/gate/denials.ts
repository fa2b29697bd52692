/** What the client learns of a refusal. The sentence is safe: no rule, no name of another caller, no internals. */
export interface DenialRow {
  readonly status: number;
  /** RFC 9457 `title`. */
  readonly title: string;
  /** RFC 9457 `detail`. */
  readonly sentence: string;
  /** RFC 6750 `error`, where the answer carries WWW-Authenticate. `''`: the bare challenge. */
  readonly bearerError?: string;
  /** Seconds for Retry-After. */
  readonly retryAfterSeconds?: number;
  /** Where it is another than `status` stands for. */
  readonly grpcStatus?: number;
}

const badToken = (sentence: string): DenialRow => ({
  status: 401,
  title: 'Credential not accepted',
  sentence,
  bearerError: 'invalid_token',
});

const badAssertion = (sentence: string): DenialRow => ({ ...badToken(sentence), title: 'Assertion not accepted' });

const unavailable = (title: string, sentence: string): DenialRow => ({
  status: 503,
  title,
  sentence,
  retryAfterSeconds: 1,
});

/** One table for every refusal and every fault of ours that a client can see, on every engine. */
export const denials = {
  'request-malformed': { status: 400, title: 'Malformed request', sentence: 'The request is not well-formed HTTP.' },
  'path-not-canonical': {
    status: 400,
    title: 'Path not canonical',
    sentence: 'The path holds dot segments, empty segments, a semicolon, a backslash or a needless escape.',
  },
  'message-malformed': {
    status: 400,
    title: 'Malformed message',
    sentence: 'The message is not one whole, well-formed message that names its model at the beginning.',
  },
  'message-ambiguous': {
    status: 400,
    title: 'Ambiguous message',
    sentence: 'The message names its model or the version in more than one way.',
  },
  'message-compressed': {
    status: 400,
    title: 'Compressed message',
    sentence: 'Compressed messages are not accepted here. Send it as it is.',
    grpcStatus: 12,
  },
  'credential-ambiguous': {
    status: 400,
    title: 'Ambiguous credential',
    sentence: 'The request carries more than one credential. Send exactly one.',
  },
  'credential-missing': {
    status: 401,
    title: 'Credential required',
    sentence: 'This call needs a credential and the request carries none.',
    bearerError: '',
  },
  'credential-malformed': badToken('The credential is not a well-formed bearer token.'),
  'credential-algorithm': badToken('The token is signed with an algorithm that is not accepted.'),
  'credential-type': badToken('The token is of a type that is not accepted here.'),
  'credential-issuer': badToken('The token comes from an issuer that is not accepted.'),
  'credential-signature': badToken("The token's signature does not verify."),
  'credential-audience': badToken('The token is meant for another audience.'),
  'credential-expired': badToken('The token has expired.'),
  'credential-not-yet-valid': badToken('The token is not valid yet.'),
  'credential-ended': badToken('The credential of this call has ended while the call was open.'),
  'credential-unknown': badToken('The API key is not known here, or no longer.'),
  'assertion-ambiguous': {
    status: 400,
    title: 'Ambiguous assertion',
    sentence: 'The request carries more than one assertion of who it is made for. Pass on exactly the one that came.',
  },
  'assertion-malformed': badAssertion('The assertion of who the call is made for is not well-formed, or too long.'),
  'assertion-issuer': badAssertion(
    'The assertion of who the call is made for comes from a gateway that is not accepted.',
  ),
  'assertion-signature': badAssertion("The signature of the assertion of who the call is made for doesn't verify."),
  'assertion-expired': badAssertion('The assertion of who the call is made for has expired, or is not valid yet.'),
  'chain-broken': badAssertion(
    'The earlier assertions do not belong to the newest. Pass on both fields, x-headgate-assertion and x-headgate-chain.',
  ),
  'assertion-audience': {
    status: 403,
    title: 'Assertion for another service',
    sentence: 'The assertion of who the call is made for was made for a service that may not call on here.',
  },
  'assertion-presenter': {
    status: 403,
    title: 'Assertion of another service',
    sentence: 'The caller is not the service that the assertion of who the call is made for was made for.',
  },
  'chain-loop': {
    status: 508,
    title: 'Loop',
    sentence: 'The call has been at this service already, on its way here.',
    grpcStatus: 9,
  },
  'chain-too-long': {
    status: 508,
    title: 'Chain too long',
    sentence: 'The call has come by way of more services than are accepted.',
    grpcStatus: 9,
  },
  'rule-denies': { status: 403, title: 'Denied by a rule', sentence: 'A rule of the access policy denies this call.' },
  'access-ended': {
    status: 403,
    title: 'Access has ended',
    sentence: 'The access policy no longer allows this call, which was open.',
  },
  'no-rule-allows': {
    status: 403,
    title: 'Not allowed',
    sentence: 'No rule of the access policy allows this caller to make this call.',
  },
  'resource-unknown': {
    status: 403,
    title: 'Unknown resource',
    sentence: 'The access policy does not know what this call is made on.',
  },
  'version-unknown': {
    status: 403,
    title: 'Unknown version',
    sentence: 'No version of the model has this label.',
  },
  'operation-unknown': {
    status: 403,
    title: 'Unknown operation',
    sentence: 'This is not an operation that the service behind this address offers through the gateway.',
  },
  'method-unknown': {
    status: 404,
    title: 'Unknown method',
    sentence: 'The service has no such method.',
    grpcStatus: 12,
  },
  'route-unknown': { status: 404, title: 'No such route', sentence: 'No service is reached by this host and path.' },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    sentence: 'The operation at this path is called with another method.',
  },
  'request-timeout': { status: 408, title: 'Request timeout', sentence: 'The request did not arrive in time.' },
  'length-required': {
    status: 411,
    title: 'Length required',
    sentence: 'A request body of this size needs a content-length.',
  },
  'body-too-large': {
    status: 413,
    title: 'Body too large',
    sentence: 'The request body is larger than the gateway accepts.',
  },
  'target-too-long': {
    status: 414,
    title: 'Target too long',
    sentence: 'The request target is longer than the gateway accepts.',
  },
  'not-grpc': {
    status: 415,
    title: 'Not a gRPC call',
    sentence: 'This service is called with gRPC: a POST over HTTP/2 with the content type application/grpc.',
  },
  'limit-exceeded': {
    status: 429,
    title: 'Rate limit exceeded',
    sentence: 'The caller has used up the rate that the access policy allows. Try again later.',
    retryAfterSeconds: 1,
  },
  'credential-flood': {
    status: 429,
    title: 'Too many failed credentials',
    sentence: 'Too many requests with a credential that was not accepted came from this address.',
    retryAfterSeconds: 1,
  },
  'header-too-large': {
    status: 431,
    title: 'Header fields too large',
    sentence: 'The header fields are larger or more than the gateway accepts.',
  },
  'gate-fault': unavailable('Gateway fault', 'The gateway could not decide this call.'),
  'gate-unavailable': unavailable('Gateway unavailable', 'The gateway cannot decide this call at the moment.'),
  'identity-unavailable': unavailable(
    'Identity provider unavailable',
    'The keys of the identity provider cannot be had at the moment.',
  ),
  'audit-unavailable': unavailable(
    'Audit unavailable',
    'The call cannot be recorded at the moment, and unrecorded calls are not made.',
  ),
  'gateway-draining': unavailable(
    'Gateway drains',
    'The gateway has let go of the connection of this call. Send it again.',
  ),
  'upstream-unavailable': unavailable('Service unavailable', 'No replica of the service can be reached at the moment.'),
  'upstream-malformed': {
    status: 502,
    title: 'Bad answer from the service',
    sentence: 'The service answered with malformed HTTP, or broke off.',
  },
  'queue-full': unavailable('Too much waits', 'As many calls wait for the service as may.'),
  'queue-timeout': unavailable('Waited too long', 'The service was busy for as long as a call may wait.'),
  'deadline-exceeded': {
    status: 504,
    title: 'Deadline exceeded',
    sentence: 'The call was not done within its deadline.',
    grpcStatus: 4,
  },
  'upstream-timeout': { status: 504, title: 'Service timeout', sentence: 'The service did not answer in time.' },
} as const satisfies Record<string, DenialRow>;

export type DenialReason = keyof typeof denials;

/** Row of a reason, as the general type. */
export function denialRow(reason: DenialReason): DenialRow {
  return denials[reason];
}

/** The whole answer to a refused call: status, fields in order, body. Equal on every engine but for the request's id. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/**
 * Problem details (RFC 9457) for a refusal. `requestId` goes into the body as given: engines that print templates pass
 * their own placeholder. Members: type, title, status, detail, code, requestId.
 */
export function problemAnswer(reason: DenialReason, requestId: string, options: ProblemOptions = {}): ProblemAnswer {
  const row = denialRow(reason);
  const members = [
    ['type', `urn:headgate:denial:${reason}`],
    ['title', row.title],
    ['status', row.status],
    ['detail', row.sentence],
    ['code', reason],
  ] as const;
  const text = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
  return {
    status: row.status,
    headers: problemHeaders(row, options),
    body: `{${text},"requestId":"${requestId}"}\n`,
  };
}

export interface ProblemOptions {
  /** Overrides the row's Retry-After. Seconds. */
  readonly retryAfterSeconds?: number;
  /** For `limit-exceeded`: value of RateLimit-Policy. */
  readonly rateLimitPolicy?: string;
  /** For `method-not-allowed`. */
  readonly allow?: readonly string[];
}

function problemHeaders(row: DenialRow, options: ProblemOptions): [string, string][] {
  const headers: [string, string][] = [
    ['content-type', 'application/problem+json'],
    ['cache-control', 'no-store'],
  ];
  if (row.bearerError !== undefined) headers.push(['www-authenticate', challenge(row)]);
  const retryAfterSeconds = options.retryAfterSeconds ?? row.retryAfterSeconds;
  if (retryAfterSeconds !== undefined) headers.push(['retry-after', String(retryAfterSeconds)]);
  if (options.rateLimitPolicy !== undefined) headers.push(['ratelimit-policy', options.rateLimitPolicy]);
  if (options.allow !== undefined) headers.push(['allow', options.allow.join(', ')]);
  return headers;
}

/** RFC 6750, section 3. */
function challenge(row: DenialRow): string {
  if (!row.bearerError) return 'Bearer realm="headgate"';
  return `Bearer realm="headgate", error="${row.bearerError}", error_description="${row.sentence}"`;
}
