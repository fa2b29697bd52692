/** Types of `h2spec.mjs`, which stays plain JavaScript so that Node 20 can run it. */
import type { MissingPart } from './system-packages.mjs';

export type H2spec =
  | { readonly program: string; readonly missing?: undefined }
  | { readonly program?: undefined; readonly missing: MissingPart };

/** The program h2spec, built first where that can be done. */
export declare function ensureH2spec(say?: (line: string) => void): H2spec;
