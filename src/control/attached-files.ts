import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { AttachedFile, Policy } from '../policy/index.ts';
import { descriptorBytesMax } from '../std/limits.ts';
import { messageOf, systemCode } from './fault.ts';
import { type Stamps, stampsOf } from './watch.ts';

/** The files that a policy names, by the path as it is written: beside the policy, where it isn't absolute. */
export function attachedPaths({ services }: Policy, policyFile: string): ReadonlyMap<string, string> {
  const written = services.flatMap(({ descriptors }) => (descriptors === undefined ? [] : [descriptors.value]));
  return new Map(written.map((path) => [path, resolve(dirname(policyFile), path)]));
}

/** The policy with what stands in them; and how they were before they were read. What can't be read is for `compile` to say. */
export async function withAttached(
  policy: Policy,
  policyFile: string,
): Promise<{ readonly policy: Policy; readonly stamps: Stamps }> {
  const paths = attachedPaths(policy, policyFile);
  if (paths.size === 0) return { policy, stamps: new Map() };
  const stamps = await stampsOf([...paths.values()]);
  const attached = new Map<string, AttachedFile>();
  for (const [written, file] of paths) attached.set(written, await readAttached(file));
  return { policy: { ...policy, attached }, stamps };
}

/** A folder, a device or a huge file is refused before it is read. */
async function readAttached(file: string): Promise<AttachedFile> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return { fault: 'it is no file' };
    if (found.size > descriptorBytesMax) return { fault: `it is larger than ${descriptorBytesMax} bytes` };
    return { bytes: await readFile(file) };
  } catch (cause) {
    return { fault: systemCode(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause) };
  }
}
