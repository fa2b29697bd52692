import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The oldest version that this engine's configuration is for. */
export const versionFloor = '2.6';
export const installCommand = 'apt-get update && apt-get install haproxy';

/** Version of the installed HAProxy (`2.6.12`); undefined where there is none. */
export async function haproxyVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('haproxy', ['-v'], { encoding: 'utf8' });
    return /version (\d+\.\d+[\w.]*)/i.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** Services that the installed HAProxy was built with, as `haproxy -vv` names them; empty where there is none. */
export async function haproxyServices(): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)('haproxy', ['-vv'], { encoding: 'utf8' });
    return servicesIn(stdout);
  } catch {
    return [];
  }
}

/** By the text of `haproxy -vv`. */
export function servicesIn(text: string): readonly string[] {
  return /^Available services *:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
}

/** Whether a version is at least the floor. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = versionFloor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}
