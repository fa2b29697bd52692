/** Bounds of a connection that are no options, by name. Units last. */

/** Frames of one header block at most: a flood of CONTINUATION ends here. */
export const blockFramesMax = 16;
/** Settings in one frame at most. */
export const settingsMax = 64;
/** Answers to PING and SETTINGS that may wait for a peer that doesn't read, in bytes; then the connection ends. */
export const controlBytesMax = 65_536;
/**
 * What costs us and is of no use to anybody (streams that the peer resets or that break a rule, empty frames, priorities): so many at
 * once, and so many in each second. As in nghttp2, whose bounds for resets are these.
 */
export const mischiefMax = 1000;
export const mischiefPerSecond = 33;
/** Streams that we have reset and whose frames, still on their way, are passed over. */
export const resetStreamsMax = 1024;
/** Bytes that one stream sends before it is another's turn. */
export const turnBytesMax = 65_536;
/** What may stand in a socket before streams have to wait. */
export const socketBytesMax = 131_072;
/** A stream that has so much waiting to be sent asks for no more, and asks again once it has less than the second. */
export const streamHeldBytesMax = 65_536;
export const streamHeldBytesLow = 16_384;
/** Names whose values one encoder remembers. */
export const encodedNamesMax = 256;
/** Header blocks that one connection remembers, all together and the largest of them, in bytes; and what one counts besides its own. */
export const knownBlocksBytesMax = 32_768;
export const knownBlockBytesMax = 4096;
export const knownBlockExtraBytes = 512;
/** How long a client has to end its side of a stream that we have ended, where another passes on what it does. */
export const carriedEndMs = 1000;
/** A connection that we end is read for so long at most, so that the peer gets to see why. */
export const lingerMs = 1000;
/** How often peers are looked at that may be gone. */
export const peerLookMs = 1000;
/** How long a client that answers no PING may go on to begin streams after it was told to go. */
export const warnedMs = 1000;
/** Memory that all connections of a thread read into. */
export const readBytes = 262_144;
/** Memory that a connection writes from while it writes, and how many such pieces are kept. */
export const slabBytes = 262_144;
export const slabsMax = 16;
/** Memory for what waits, in pieces of the largest frame that comes; how many of those that nobody uses a thread keeps. */
export const pieceBytes = 16_384;
export const piecesMax = 256;
