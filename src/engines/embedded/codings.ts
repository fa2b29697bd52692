import type { Transform } from 'node:stream';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import type { Coding } from '../../plan/types.ts';
import { acceptsMax } from './limits.ts';

/** What a client takes, of what a service's answers may be coded in. */
export interface Accepted {
  /** undefined: the answer stays as it is. */
  readonly coding: Coding | undefined;
  /** It doesn't take answers as they are. */
  readonly onlyCoded: boolean;
}

const plain: Accepted = { coding: undefined, onlyCoded: false };

/** Chooses among codings by Accept-Encoding (RFC 9110, section 12.5.3). */
export class Codings {
  readonly #offered: readonly Coding[];
  readonly #known = new Map<string, Accepted>();

  /** `offered`: the preferred first. */
  constructor(offered: readonly Coding[]) {
    this.#offered = offered;
  }

  /** `accept`: value of Accept-Encoding. Without one a client could read any, but hardly one means that. */
  accepted(accept: string | undefined): Accepted {
    if (accept === undefined) return plain;
    const known = this.#known.get(accept);
    if (known !== undefined) return known;
    const found = choose(accept, this.#offered);
    if (this.#known.size >= acceptsMax) this.#known.clear();
    this.#known.set(accept, found);
    return found;
  }
}

function choose(accept: string, offered: readonly Coding[]): Accepted {
  const weights = new Map<string, number>();
  for (const member of accept.split(',')) {
    const match = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?$/i.exec(member);
    // What can't be read says nothing.
    if (match === null) continue;
    const name = (match[1] as string).toLowerCase().replace(/^x-gzip$/, 'gzip');
    weights.set(name, Math.min(1, Number(match[2] ?? '1')));
  }
  const others = weights.get('*') ?? 0;
  // As it is an answer may go unless that is excluded; it is preferred only where that is said.
  const asIs = weights.get('identity') ?? 0;
  const onlyCoded = asIs === 0 && (weights.has('identity') || weights.get('*') === 0);
  let best: Coding | undefined;
  let bestWeight = 0;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? others;
    if (weight > bestWeight && weight >= asIs) [best, bestWeight] = [coding, weight];
  }
  return best === undefined ? plain : { coding: best, onlyCoded };
}

// Low levels: beyond them time grows much faster than anything is saved.
const gzip = { level: 1 };
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Codes a body that is whole and not large, at once. */
export function coded(body: Buffer, coding: Coding): Buffer {
  switch (coding) {
    case 'gzip':
      return gzipSync(body, gzip);
    case 'br':
      return brotliCompressSync(body, {
        params: { ...brotli.params, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
      });
    case 'zstd':
      return zstdCompressSync(body, zstd);
    default:
      return coding satisfies never;
  }
}

/** Codes a body as it passes. `isSteady`: what is written is on its way at once, because nobody knows when the next will come. */
export function coder(coding: Coding, isSteady: boolean): Transform {
  switch (coding) {
    case 'gzip':
      return createGzip({ ...gzip, ...(isSteady && { flush: constants.Z_SYNC_FLUSH }) });
    case 'br':
      return createBrotliCompress({ ...brotli, ...(isSteady && { flush: constants.BROTLI_OPERATION_FLUSH }) });
    case 'zstd':
      return createZstdCompress({ ...zstd, ...(isSteady && { flush: constants.ZSTD_e_flush }) });
    default:
      return coding satisfies never;
  }
}
