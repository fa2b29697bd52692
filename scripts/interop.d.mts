/** Types of `interop.mjs`, which stays plain JavaScript so that Node 20 can run it. */
import type { MissingPart } from './system-packages.mjs';

export interface InteropPrograms {
  /** grpc-go's interop client and server. */
  readonly client: string;
  readonly server: string;
  /** A Python that has grpcio. */
  readonly python: string;
}

export type Interop =
  | (InteropPrograms & { readonly missing?: undefined })
  | { readonly client?: undefined; readonly missing: MissingPart };

/** The programs that test/interop puts to the gateway, set up first where that can be done. */
export declare function ensureInterop(say?: (line: string) => void): Interop;
