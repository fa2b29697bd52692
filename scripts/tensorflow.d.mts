/** Types of `tensorflow.mjs`, which stays plain JavaScript so that Node 20 can run it. */
import type { MissingPart } from './system-packages.mjs';

export type TensorFlow =
  | { readonly python: string; readonly missing?: undefined }
  | { readonly python?: undefined; readonly missing: MissingPart };

/** The Python program that has TensorFlow and TensorFlow Serving's stubs, set up first where that can be done. */
export declare function ensureTensorFlow(say?: (line: string) => void): TensorFlow;
