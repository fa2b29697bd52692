/** Types of frames (RFC 9113, section 6). */
export const frameData = 0x0;
export const frameHeaders = 0x1;
export const framePriority = 0x2;
export const frameRstStream = 0x3;
export const frameSettings = 0x4;
export const framePushPromise = 0x5;
export const framePing = 0x6;
export const frameGoaway = 0x7;
export const frameWindowUpdate = 0x8;
export const frameContinuation = 0x9;

/** Flags of frames. */
export const flagEndStream = 0x1;
export const flagAck = 0x1;
export const flagEndHeaders = 0x4;
export const flagPadded = 0x8;
export const flagPriority = 0x20;

/** Settings (section 6.5.2). */
export const settingHeaderTableSize = 0x1;
export const settingEnablePush = 0x2;
export const settingMaxConcurrentStreams = 0x3;
export const settingInitialWindowSize = 0x4;
export const settingMaxFrameSize = 0x5;
export const settingMaxHeaderListSize = 0x6;

/** Why a stream or a connection ends (section 7). */
export const errorCodes = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  connect: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** What a client sends first (section 3.4). */
export const clientPreface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const frameHeadBytes = 9;
/** Where nothing else is agreed upon: the window of a stream and of a connection, and the largest frame. */
export const defaultWindowBytes = 65_535;
export const defaultFrameBytes = 16_384;
/** No window may grow beyond this. */
export const windowBytesMax = 0x7fff_ffff;
/** Size of the dynamic table where nothing else is agreed upon (RFC 7541, section 4.2). */
export const defaultTableBytes = 4096;

/** The peer broke a rule for which the whole connection ends (section 5.4.1). */
export class ConnectionFault extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
