import type { GateRequest } from '../../gate/index.ts';
import { readHeadersBinary, type SpopData, SpopError, type SpopMessage } from '../../wire/index.ts';
import { namedIn } from './message-text.ts';
import { askArguments } from './spoe.ts';

/** A question of HAProxy: the request, and which process asks. */
export interface Question {
  readonly worker: string;
  /** The backend that the call goes on to, if it is let through. */
  readonly backend: string;
  /** What a permit for it may be kept under; empty: it may not be kept. */
  readonly key: string;
  readonly request: GateRequest;
}

type Name = keyof typeof askArguments;

/** Turns the message of a miss into the neutral request. `listeners`: names, by frontend. Throws `SpopError`. */
export function questionOf(message: SpopMessage, listeners: ReadonlyMap<string, string>): Question {
  const args = new Map(message.args);
  const take = (name: Name): SpopData => args.get(askArguments[name]) ?? { kind: 'null' };
  const headers = take('headers');
  if (headers.kind !== 'binary') throw new SpopError('no header fields');
  const isHttp2 = textOf(take('version')).startsWith('2');
  const line = { method: textOf(take('method')), headers: readHeadersBinary(headers.value) };
  const named = namedIn(textOf(take('message')), { isHttp2, ...line });
  return {
    worker: textOf(take('worker')),
    backend: textOf(take('backend')),
    key: textOf(take('key')),
    request: {
      id: textOf(take('id')),
      listener: listeners.get(textOf(take('listener'))) ?? '',
      ...line,
      // HAProxy keeps an HTTP/2 target in absolute form; what the client sent as :path is its path and query.
      target: textOf(take(isHttp2 ? 'target' : 'url')),
      authority: textOf(take('authority')),
      address: addressOf(textOf(take('address'))),
      ...(named !== undefined && { message: named }),
    },
  };
}

function textOf(data: SpopData): string {
  switch (data.kind) {
    case 'string':
    case 'ipv4':
    case 'ipv6':
      return data.value;
    case 'binary':
      return data.value.toString('latin1');
    default:
      return '';
  }
}

function addressOf(text: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/.test(text) ? text.slice(7) : text;
}
