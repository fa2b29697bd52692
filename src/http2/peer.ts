import {
  ConnectionFault,
  defaultFrameBytes,
  defaultTableBytes,
  defaultWindowBytes,
  errorCodes,
  settingEnablePush,
  settingHeaderTableSize,
  settingInitialWindowSize,
  settingMaxConcurrentStreams,
  settingMaxFrameSize,
  settingMaxHeaderListSize,
  windowBytesMax,
} from './codes.ts';
import { settingsMax } from './limits.ts';

const frameBytesMax = 0xff_ffff;

/** What the other side has said of itself (RFC 9113, section 6.5.2). */
export class Peer {
  windowBytes = defaultWindowBytes;
  /** Of the frames that we send; we make no larger ones than by default, so that no stream holds the others up. */
  frameBytes = defaultFrameBytes;
  tableBytes = defaultTableBytes;
  streamsMax = Number.POSITIVE_INFINITY;
  listBytesMax = Number.POSITIVE_INFINITY;

  /** Takes up the payload of a SETTINGS frame. Throws a ConnectionFault. */
  read(bytes: Buffer, at: number, end: number, isClient: boolean): void {
    if ((end - at) % 6 !== 0) throw new ConnectionFault(errorCodes.frameSize, 'length of SETTINGS');
    if (end - at > 6 * settingsMax) throw new ConnectionFault(errorCodes.enhanceYourCalm, 'too many settings');
    for (let index = at; index < end; index += 6)
      this.#take(bytes.readUInt16BE(index), bytes.readUInt32BE(index + 2), isClient);
  }

  #take(name: number, value: number, isClient: boolean): void {
    if (name === settingHeaderTableSize) this.tableBytes = value;
    else if (name === settingEnablePush) {
      if (value > 1 || (isClient && value === 1)) throw new ConnectionFault(errorCodes.protocol, 'ENABLE_PUSH');
    } else if (name === settingMaxConcurrentStreams) this.streamsMax = value;
    else if (name === settingInitialWindowSize) {
      if (value > windowBytesMax) throw new ConnectionFault(errorCodes.flowControl, 'INITIAL_WINDOW_SIZE');
      this.windowBytes = value;
    } else if (name === settingMaxFrameSize) {
      if (value < defaultFrameBytes || value > frameBytesMax)
        throw new ConnectionFault(errorCodes.protocol, 'MAX_FRAME_SIZE');
    } else if (name === settingMaxHeaderListSize) this.listBytesMax = value;
  }
}
