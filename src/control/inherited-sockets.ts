import { ControlFault } from './fault.ts';

/** Descriptors of listening sockets, by the name of the listener. */
export type SocketsByListener = Readonly<Record<string, readonly number[]>>;

/** The first descriptor that a service manager hands over. */
const firstDescriptor = 3;
const socketsMax = 64;

/**
 * Listening sockets that systemd opened for us (sd_listen_fds(3)): `FileDescriptorName=` names the listener. A socket of no
 * listener's name is a mistake of the unit, and throws `start-failed`: nobody would ever accept its connections. Takes the variables
 * out of `environment`, so that no child believes them its own.
 */
export function inheritedSockets(
  environment: NodeJS.ProcessEnv,
  { pid, listeners }: { readonly pid: number; readonly listeners: readonly string[] },
): SocketsByListener {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  if (LISTEN_PID !== String(pid) || LISTEN_FDS === undefined) return {};
  const count = Number(LISTEN_FDS);
  if (!Number.isInteger(count) || count < 0 || count > socketsMax) {
    throw new ControlFault('start-failed', `LISTEN_FDS is ${LISTEN_FDS}, which is no number of sockets`);
  }
  const names = LISTEN_FDNAMES.split(':');
  const sockets: Record<string, number[]> = {};
  for (let index = 0; index < count; index += 1) {
    const name = names[index] ?? '';
    if (!listeners.includes(name)) {
      const hint = `write FileDescriptorName= with one of ${listeners.join(', ')}`;
      throw new ControlFault(
        'start-failed',
        `the service manager hands over a socket named \`${name}\`, and no listener has that name`,
        { hint },
      );
    }
    sockets[name] = [...(sockets[name] ?? []), firstDescriptor + index];
  }
  return sockets;
}
