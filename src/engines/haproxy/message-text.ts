import { isGrpc } from '../../protocols/index.ts';
import type { NamedModel } from '../../wire/index.ts';

/** Of a model, a version or a label: visible ASCII, as the walk has it. */
const form = /^[st] ([!-~]+) (?:-|v(\d{1,19})|l([!-~]+))$/;

/**
 * What the message of a gRPC call names, from the text that lua/fetch.lua made of it; empty where nothing was read. Undefined: the
 * request is no gRPC call.
 */
export function namedIn(text: string, request: GrpcLook): NamedModel | undefined {
  if (!request.isHttp2 || !isGrpc(request.method, firstOf(request.headers, 'content-type'))) return undefined;
  const [, model, version, label] = form.exec(text) ?? [];
  if (model === undefined) return {};
  return { model, ...(version !== undefined && { version }), ...(label !== undefined && { label }) };
}

/** What says whether a request is a gRPC call. */
export interface GrpcLook {
  readonly isHttp2: boolean;
  readonly method: string;
  /** Name, value… */
  readonly headers: readonly string[];
}

function firstOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1];
  return undefined;
}
