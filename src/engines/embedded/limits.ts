/** Bounds of this engine, by name. Units last. */

/** Request bodies up to this size are held whole, so that another replica can be tried; larger ones are streamed. */
export const heldBodyBytesMax = 65_536;
/** Answers up to this size are held whole and sent by one write; larger ones are streamed. */
export const heldAnswerBytesMax = 65_536;
/** An unread request body that is larger than this ends the connection with the refusal, instead of being read to its end. */
export const drainedBodyBytesMax = 1024 * 1024;
/** How long a whole request (head and body) may take to arrive. */
export const requestTimeoutMs = 300_000;
/** A connection that ends with a refusal is read for so long at most, so that the client gets to see the refusal. */
export const lingerMs = 1000;
/** The http parser's own bound; beyond it Node ends the request. Target, fields and their separators, with room to explain. */
export const parsedHeadBytesMax = 65_536;
/** Open h2 streams of one connection. */
export const streamsMax = 256;
/** Keys of kept decisions that are longer are hashed. */
export const keptKeyCharactersMax = 4096;
/** Characters of all keys of kept decisions together, in one worker. */
export const keptCharactersMax = 64 * 1024 * 1024;
/** Refusals kept in one worker; they live a second at most. */
export const keptRefusalsMax = 10_000;
/** Calls that wait for the gate in one worker; more are answered `gate-unavailable`. */
export const gateWaitingMax = 10_000;
/** Names of fields whose handling is remembered. */
export const fieldNamesMax = 1000;
/** The next spool file is begun at this size. */
export const spoolFileBytesMax = 64 * 1024 * 1024;
/** Audit lines that are held while the disk doesn't take them. What is over is lost, and shows as a gap. */
export const spoolHeldBytesMax = 4 * 1024 * 1024;
/** A spool that failed is tried again after this time. */
export const spoolRetryMs = 100;
/** Connections to one replica, from one worker. */
export const replicaConnectionsMax = 4096;
/** Open calls of gRPC to one replica, from one worker: many share a connection. */
export const replicaStreamsMax = 65_536;
/** Connections to one replica that are kept while idle, from one worker. */
export const idleClientsMax = 256;
/** Worker threads at most. */
export const workersMax = 8;
/** A worker that ends is started anew, so often in `workerRestartsMs`; then the engine has failed. */
export const workerRestartsMax = 5;
export const workerRestartsMs = 60_000;
/** Sessions of HTTP/2 to one replica, from one worker, as long as it lets one have as many streams as we may begin. */
export const sessionsMax = 8;
/** And in any case. */
export const smallSessionsMax = 1024;
/** When a client that is silent is asked whether it is there, how often, and how long it may take to show it. Milliseconds. */
export const clientKeepAlive = { quietMs: 60_000, everyMs: 60_000, answerMs: 20_000 } as const;
/** The same of a replica. Servers of gRPC let nobody ask more often than each five minutes, if they aren't told otherwise. */
export const replicaKeepAlive = { quietMs: 30_000, everyMs: 300_000, answerMs: 20_000 } as const;
/** After so long without a byte the kernel asks whether the other machine is there, ten times a second apart. */
export const tcpKeepAliveMs = 30_000;
/** Of a connection's age, so much is drawn by lot, up or down, so that those that came together don't go together. */
export const ageJitter = 0.1;
/** How long calls that are ended have to say so to their clients before the connection is cut. */
export const lastWordsMs = 500;
/** What a replica, or a client, may send on one stream before it is read. */
export const grpcWindowBytes = 262_144;
/**
 * And on all streams of one connection: as much as all streams may, so that none that nobody reads holds the others up, which would
 * stand still for good where a replica takes one after the other. A client can have so much held, if it finds a replica that doesn't read.
 */
export const connectionWindowBytes = streamsMax * grpcWindowBytes;
/** Ways of walking a message that are remembered, by listener, host and path. */
export const walksMax = 1000;
/** A connection of the engine that hands calls over may be silent for so long; it looks after its clients itself. */
export const assistedSilenceMs = 3_600_000;
/** Passes of a policy that was replaced are good for so long: calls that were let in under it are on their way. */
export const epochGraceMs = 10_000;
/** Longest pause between two starts of the thread that carries assisted routes. */
export const assistRestartMsMax = 5000;
/** Before its first further try a call waits for a random part of this; before each one after, of twice as much. */
export const retryBackoffMs = 25;
/** A replica that asks to be left alone for longer is not asked again by the same call. */
export const retryAskedMsMax = 1000;
/** Answers and requests of fewer bytes are not coded: what coding saves would not pay for it. */
export const codedBytesMin = 1024;
/** Values of Accept-Encoding that are remembered, by service. */
export const acceptsMax = 1000;
/** How often connections of HTTP/2 are looked at on which nothing may move any more. */
export const silentLookMs = 1000;
/** Calls with a body up to this size, which is held whole anyway, may share one call to the service. */
export const sharedBodyBytesMax = heldBodyBytesMax;
/** Answers up to this size are held for all who wait for them; with a larger one each makes a call of its own. */
export const sharedAnswerBytesMax = 1024 * 1024;
/** Times that a call asks anew who leads, because the one that led was over just then; then it leads itself. */
export const sharedEntriesMax = 4;
/** A gRPC call that is open for so long after it was let through is told of as open, and is held to the policy from then on. */
export const openedAfterMs = 2000;
/** Open calls are all looked at once in a round, some each time. */
export const openRoundMs = 2000;
export const openLookMs = 200;
/** The gate is asked about each this often at least, though nothing it knows of may have changed. */
export const openTrustMs = 30_000;
/** Asked about in one turn of the event loop, where something has. */
export const openSweepMax = 200;
/** A message that is on its way to the client when its call is ended may still become whole for so long. */
export const lastMessageMs = 1000;
