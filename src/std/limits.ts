/** Every bound of Headgate that is not a setting, by name. Units last. */

/** Longest request target (path and query) that is looked at; longer is 414. HAProxy's and Node's bounds are set from it. */
export const targetBytesMax = 4096;
/** All header fields of a request together; more is 431. */
export const headerBytesMax = 12_288;
/** Longest credential (value of Authorization); longer is 431. Keys built from it are hashed, never stored raw. */
export const credentialBytesMax = 8192;
/** Most header fields in a request; more is 431. HAProxy: tune.http.maxhdr. */
export const headerCountMax = 100;
/** Largest request body where the environment doesn't say another; larger is 413. Also the largest answer that is held to. */
export const bodyBytesMax = 64 * 1024 * 1024;
/** What the environment may say at most: a protobuf message ends there. */
export const bodyBytesBoundMax = 2 ** 31 - 1;
/** And at least: what an engine holds whole anyway. */
export const bodyBytesBoundMin = 65_536;
/**
 * A request body without a declared length (chunks, or HTTP/2 without content-length) is held whole up to this size, and gets a
 * length; larger is 411. HAProxy: its buffer holds this beside the largest head.
 */
export const unsizedBodyBytesMax = 16_384;
/** How long such a body may take to arrive, from when the call is permitted. */
export const unsizedBodyTimeoutMs = 10_000;
/** Longest path that a decision is kept for; the rest of a target of the largest size is left to its query. */
export const keptPathBytesMax = 2048;
/** Decisions kept in an engine at most; the oldest go first. */
export const keptDecisionsMax = 100_000;
/** Verified tokens remembered by hash in one gate. */
export const verifiedTokensMax = 50_000;
/** A refusal is kept this long at most, so that a mended policy or token is felt soon. */
export const refusalKeptMsMax = 1000;
/** A permit is kept this long at most, whatever the credential's own end. */
export const permitKeptMsMax = 300_000;
/** An identity assertion lives this long; the decision it belongs to ends before it could. */
export const assertionLifetimeMs = 600_000;
/** Services between the first caller and the one that is called, where the policy doesn't say another bound; */
export const chainHopsDefault = 4;
/** and what it may say at most: of more, the assertions would be too large for a head. */
export const chainHopsMax = 5;
/** Longest assertion that a caller may present, and */
export const assertionBytesMax = 4096;
/** longest list of earlier ones beside it. HAProxy: the record of a permit holds them. */
export const chainBytesMax = 6144;
/** Verified chains remembered by hash in one gate. */
export const relayedChainsMax = 10_000;
/** Largest policy or environment file. Reading one takes at most 1 GB of memory. */
export const policyBytesMax = 4 * 1024 * 1024;
/** A descriptor set is at most this large, and describes at most so many methods. */
export const descriptorBytesMax = 16 * 1024 * 1024;
export const methodsMax = 10_000;
/** How long a client may take to send its request head. */
export const requestHeadTimeoutMs = 10_000;
/** How long a connection may be idle between two requests. */
export const keepAliveTimeoutMs = 60_000;
/** How long nothing may move on a client's connection to the embedded engine while a call is on its way. */
export const silentCallTimeoutMs = 2 * keepAliveTimeoutMs;
/** How long dialling an upstream endpoint may take. */
export const connectTimeoutMs = 2_000;
/** How long an upstream may be silent. */
export const upstreamTimeoutMs = 60_000;
/** How long a call may wait for the gate before it is answered 503. */
export const gateTimeoutMs = 3_000;
/** How often an engine that asks the gate over a connection looks whether it is there. */
export const gateLookMs = 200;
/**
 * Failed credentials from one address in a second before the engine answers 429 by itself. High, because callers can share an
 * address: it is to spare the gate (a verification costs some 100 µs), not to punish.
 */
export const failedCredentialsPerSecondMax = 1000;
/** Largest ModelSpec (or inference task) of a gRPC message; more is refused. */
export const modelSpecBytesMax = 1024;
/** Every ModelSpec of a gRPC message ends within so many bytes, the frame's head among them: a proxy has it in its first buffer. */
export const modelSpecWithinBytesMax = 16_384;
/** Fields of a gRPC message at most, counted at its top level: walking one costs more than its two bytes cost to send. */
export const messageFieldsMax = 4096;
/** A call may be sent again only while its whole body is held: bodies up to this size are, on every engine. */
export const retryBodyBytesMax = 16_384;
/** Timeouts of an environment, in milliseconds: none is shorter, */
export const timeoutMsMin = 10;
/** to connect is no longer, */
export const connectTimeoutMsMax = 60_000;
/** and neither is a replica's silence, or a whole call. */
export const answerTimeoutMsMax = 3_600_000;
/** How long a connection of a client serves, at least and at most, and calls on it after that. */
export const connectionAgeMsMin = 1000;
export const connectionAgeMsMax = 86_400_000;
/** Tries of one call at most, the first among them. */
export const triesMax = 4;
/** Calls of one queue, in flight or waiting, at most. */
export const queuePlacesMax = 100_000;
/** The longest that a call may be made to wait in a queue. */
export const queueWaitMsMax = 60_000;
/** How often a replica is polled: not more often, */
export const healthEveryMsMin = 200;
/** and not less. */
export const healthEveryMsMax = 300_000;
/** Answers in a row until a replica counts as up, or as down, at most. */
export const healthAnswersMax = 10;
