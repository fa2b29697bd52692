/** Every bound of the audit room, by name. Units last. */

/** Power loss costs at most the events of this interval (the spool is the kernel's, too); a crash costs none. */
export const fsyncIntervalMs = 1000;
/** How often the spool is looked at. */
export const pollMs = 100;
/** A segment is closed when it has reached this size, or when the UTC day ends. */
export const segmentBytesMax = 64 * 1024 * 1024;
/** Read from one spool file at a time; also the longest spool line: what is longer becomes unreadable events. */
export const chunkBytesMax = 256 * 1024;
/** A block is sealed before it grows beyond this: what a reader has to hold, and what a crash can make the writer read again. */
export const blockBytesMax = 256 * 1024;
/** Events in a block. */
export const blockEventsMax = 4096;
/** Without a seal for so long, a reader of the chain takes what it has as a block that lost its seal. */
export const unsealedBytesMax = 16 * blockBytesMax;
/** More than this unread in the spool: the writer counts as failing, so that `record: required` closes admission. */
export const spoolBytesMax = 1024 * 1024 * 1024;
/** So much of a file that is still written to is chained and synced: the disk gets it back. */
export const releaseBytesMin = 16 * 1024 * 1024;
/** A spool file that is read to its end and still for this long is asked about: does anyone hold it open for writing? */
export const idleMs = 10_000;
/** Characters of an unreadable line that the chain keeps. */
export const unreadableTextMax = 1024;
/** Static parts of records that a parser remembers. */
export const rememberedCoresMax = 10_000;
