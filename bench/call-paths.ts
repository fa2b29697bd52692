/** The service that calls of any gRPC method are measured with. */
export const callsService = 'acme.orders.v1.Orders';

/** What a stream to the client is made of. */
export interface Watched {
  readonly messageBytes: number;
  readonly streamBytes: number;
}

/** Ends the name of what nghttpd answers: it takes the type of the answer from there. */
export const callsEnding = 'grpc';

/** Its methods: a small answer to a small message, many messages from the client, and several of many messages to the client. */
export const callPaths = {
  get: `/${callsService}/Get.${callsEnding}`,
  send: `/${callsService}/Send.${callsEnding}`,
  watch: ({ messageBytes, streamBytes }: Watched): string =>
    `/${callsService}/Watch${messageBytes}of${streamBytes}.${callsEnding}`,
  /** Never ends by itself. */
  hold: `/${callsService}/WatchHold`,
  /** As many bytes as the replica was started for. */
  flood: `/${callsService}/WatchFlood`,
} as const;
