/** The service that calls of any gRPC method are measured with. */
export const callsService = 'acme.orders.v1.Orders';

/** What a stream to the client is made of. */
export interface Watched {
  readonly messageBytes: number;
  readonly streamBytes: number;
}

/** Its methods: a small answer to a small message, many messages from the client, and several of many messages to the client. */
export const callPaths = {
  get: `/${callsService}/Get`,
  send: `/${callsService}/Send`,
  watch: ({ messageBytes, streamBytes }: Watched): string => `/${callsService}/Watch${messageBytes}of${streamBytes}`,
  /** Never ends by itself. */
  hold: `/${callsService}/WatchHold`,
} as const;

/** Of what the replica answers a call with that isn't watched, frame included. */
export const callsAnswerBytes = 17;
