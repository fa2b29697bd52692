/** Types of `system-packages.mjs`, which stays plain JavaScript so that Node 20 can run it. */
export type SystemPackage = 'haproxy' | 'wrk' | 'curl' | 'h2load' | 'nghttpd' | 'promtool' | 'python';

export declare const systemPackages: Readonly<
  Record<SystemPackage, { readonly program: string; readonly debian: string; readonly why: string }>
>;

export declare function programPath(program: string): string | undefined;

export interface MissingPart {
  readonly name: string;
  readonly why: string;
  /** Command or sentence that says how it is installed. */
  readonly remedy: string;
}

export interface MissingPackage extends MissingPart {
  readonly name: SystemPackage;
}

/** A Python that can make environments, with its version (`3.11`). */
export declare function findPython(): { readonly program: string; readonly version: string } | undefined;

export declare function ensureSystemPackages(
  names: readonly SystemPackage[],
  say?: (line: string) => void,
): MissingPackage[];
