/** How calls are carried: HG123x of a policy, HG132x of an environment, HG21xx of both together. */
export const trafficCodes = {
  HG1231: {
    title: 'field that no sequence has',
    meaning:
      'A sequence is told by a field that the caller sends and the service gets. Headgate removes credentials and fields of its own, and fields of the connection end at each hop.',
  },
  HG1232: {
    title: 'malformed name of a method',
    meaning: 'A method of a gRPC service is its full service name, `/`, and its own name: `acme.orders.v1.Orders/Get`.',
  },
  HG1233: {
    title: 'key of another protocol',
    meaning: 'Models belong to TensorFlow Serving; descriptors, methods and streams to services of protocol `grpc`.',
  },
  HG1320: {
    title: 'bad duration',
    meaning: 'A duration is a whole number and `ms`, `s`, `m` or `h`, within the bounds that the hint states.',
  },
  HG1321: { title: 'number out of range', meaning: 'The number is outside the bounds that the message states.' },
  HG1322: {
    title: 'queue that is half said',
    meaning:
      'A queue says how many calls are in flight at once, and may say how many wait and for how long: those two go together.',
  },
  HG1323: {
    title: 'bad endpoint by DNS',
    meaning:
      'Each address of the name is a replica. `rest` and `grpc` of an endpoint are the same replica, so that both are of the same name.',
  },
  HG1324: {
    title: 'malformed name of a service',
    meaning: 'A gRPC service has its full name, its package before it: `acme.orders.v1.Orders`.',
  },
  HG2100: {
    title: 'queue of an unknown model',
    meaning: 'The environment gives a queue to a model that the policy does not declare for the service.',
  },
  HG2101: {
    title: 'repeats of a sequence',
    meaning:
      'Calls of a sequence change what the replica keeps of it, so that no two of them are the same: they are never coalesced.',
  },
  HG2102: {
    title: 'queue that is never full',
    meaning: 'A call passes the queue of its model, then that of the service: the wider one of a model holds nothing.',
  },
  HG2103: {
    title: 'retries without a budget',
    meaning: 'Further tries are counted against the budget: with none, no call is ever tried again.',
  },
  HG2104: {
    title: 'condition on a queue that is not there',
    meaning:
      'The condition reads a queue, and the service has none in this environment: it would fail for each call, so that an allow never matched and a deny always did.',
  },
  HG2110: {
    title: 'wait longer than the deadline',
    meaning: 'A call that waits as long as the queue lets it has passed its deadline before it reaches the service.',
  },
  HG2111: {
    title: 'tries longer than the deadline',
    meaning: 'Connecting, as often as a call is tried and as long as each may take, takes the whole deadline.',
  },
  HG2112: {
    title: 'answer after the deadline',
    meaning: 'The deadline ends a call before the silence of the service could.',
  },
  HG2113: {
    title: 'timeout longer than the engine waits',
    meaning: "The engine ends the client's connection, on which nothing moves, before the timeout could.",
  },
  HG2120: {
    title: 'health of another protocol',
    meaning:
      'A service of protocol `grpc` is asked by `grpc.health.v1`, about a name or as a whole; TensorFlow Serving is asked for its models.',
  },
} as const;
