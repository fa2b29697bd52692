import { lengthPrefixed, SpopError, SpopReader, varintBytes } from './spop-bytes.ts';
import { readSpopData, type SpopData, spopDataBytes } from './spop-data.ts';

/** Names and values, in order. */
export type SpopList = readonly (readonly [name: string, value: SpopData])[];

export interface SpopMessage {
  readonly name: string;
  readonly args: SpopList;
}

export type SpopScope = 'process' | 'session' | 'transaction' | 'request' | 'response';

export type SpopAction =
  | { readonly kind: 'set-var'; readonly scope: SpopScope; readonly name: string; readonly value: SpopData }
  | { readonly kind: 'unset-var'; readonly scope: SpopScope; readonly name: string };

/** One whole frame (SPOE.txt, section 3.2). Fragmented payloads are refused: an agent need not offer them. */
export type SpopFrame =
  | { readonly kind: 'haproxy-hello'; readonly list: SpopList }
  | { readonly kind: 'haproxy-disconnect'; readonly list: SpopList }
  | { readonly kind: 'agent-hello'; readonly list: SpopList }
  | { readonly kind: 'agent-disconnect'; readonly list: SpopList }
  | {
      readonly kind: 'notify';
      readonly streamId: bigint;
      readonly frameId: bigint;
      readonly messages: readonly SpopMessage[];
    }
  | {
      readonly kind: 'ack';
      readonly streamId: bigint;
      readonly frameId: bigint;
      readonly actions: readonly SpopAction[];
    };

const types = {
  'haproxy-hello': 1,
  'haproxy-disconnect': 2,
  notify: 3,
  'agent-hello': 101,
  'agent-disconnect': 102,
  ack: 103,
} as const;
const kindsByType = new Map(Object.entries(types).map(([kind, type]) => [type, kind as SpopFrame['kind']]));
const scopes: readonly SpopScope[] = ['process', 'session', 'transaction', 'request', 'response'];
const fin = 1;

/** Reads a frame without its four bytes of length. Throws `SpopError`. */
export function readSpopFrame(bytes: Buffer): SpopFrame {
  const reader = new SpopReader(bytes);
  const type = reader.byte();
  const kind = kindsByType.get(type as (typeof types)[keyof typeof types]);
  if (kind === undefined) throw new SpopError(`unknown type of frame ${type}`);
  if (reader.uint32() !== fin) throw new SpopError('fragmented or aborted frame');
  const streamId = reader.varint();
  const frameId = reader.varint();
  switch (kind) {
    case 'notify':
      return { kind, streamId, frameId, messages: readMessages(reader) };
    case 'ack':
      return { kind, streamId, frameId, actions: readActions(reader) };
    default:
      return { kind, list: readList(reader) };
  }
}

/** A frame with its four bytes of length, ready to be sent. */
export function spopFrameBytes(frame: SpopFrame): Buffer {
  const isHello = frame.kind !== 'notify' && frame.kind !== 'ack';
  const parts: Buffer[] = [Buffer.from([types[frame.kind], 0, 0, 0, fin])];
  parts.push(varintBytes(isHello ? 0n : frame.streamId), varintBytes(isHello ? 0n : frame.frameId));
  parts.push(payloadBytes(frame));
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function payloadBytes(frame: SpopFrame): Buffer {
  switch (frame.kind) {
    case 'notify':
      return Buffer.concat(frame.messages.map(messageBytes));
    case 'ack':
      return Buffer.concat(frame.actions.map(actionBytes));
    default:
      return listBytes(frame.list);
  }
}

function readList(reader: SpopReader): SpopList {
  const list: [string, SpopData][] = [];
  while (reader.left > 0) list.push([reader.text(), readSpopData(reader)]);
  return list;
}

function listBytes(list: SpopList): Buffer {
  return Buffer.concat(list.flatMap(([name, value]) => [lengthPrefixed(name), spopDataBytes(value)]));
}

function readMessages(reader: SpopReader): SpopMessage[] {
  const messages: SpopMessage[] = [];
  while (reader.left > 0) {
    const name = reader.text();
    const count = reader.byte();
    const args: [string, SpopData][] = [];
    for (let index = 0; index < count; index += 1) args.push([reader.text(), readSpopData(reader)]);
    messages.push({ name, args });
  }
  return messages;
}

function messageBytes({ name, args }: SpopMessage): Buffer {
  if (args.length > 255) throw new SpopError('more than 255 arguments');
  return Buffer.concat([lengthPrefixed(name), Buffer.from([args.length]), listBytes(args)]);
}

function readActions(reader: SpopReader): SpopAction[] {
  const actions: SpopAction[] = [];
  while (reader.left > 0) actions.push(readAction(reader));
  return actions;
}

function readAction(reader: SpopReader): SpopAction {
  const type = reader.byte();
  const count = reader.byte();
  const scope = scopes[reader.byte()];
  if (scope === undefined) throw new SpopError('unknown scope');
  const name = reader.text();
  if (type === 1 && count === 3) return { kind: 'set-var', scope, name, value: readSpopData(reader) };
  if (type === 2 && count === 2) return { kind: 'unset-var', scope, name };
  throw new SpopError('unknown action');
}

function actionBytes(action: SpopAction): Buffer {
  const head = Buffer.from([...(action.kind === 'set-var' ? [1, 3] : [2, 2]), scopes.indexOf(action.scope)]);
  const name = lengthPrefixed(action.name);
  return Buffer.concat(action.kind === 'set-var' ? [head, name, spopDataBytes(action.value)] : [head, name]);
}
