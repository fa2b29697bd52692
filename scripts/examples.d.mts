/** Types of `examples.mjs`, which stays plain JavaScript so that Node 20 can run it. */
import type { MissingPart } from './system-packages.mjs';

export type ExamplePython =
  | { readonly python: string; readonly missing?: undefined }
  | { readonly python?: undefined; readonly missing: MissingPart };

/** A Python that has what the examples in Python import, set up first where that can be done. */
export declare function ensureExamples(say?: (line: string) => void): ExamplePython;
