import { isIP } from 'node:net';
import { parseBytes } from '../../std/bytes.ts';
import { isDnsName, isLoopback, parseHostPort } from '../../std/host-port.ts';
import { hasInvisible } from '../../std/invisible.ts';
import { bodyBytesBoundMax, bodyBytesBoundMin } from '../../std/limits.ts';
import { shown } from '../shown.ts';
import { type Fault, laterFault } from './notes.ts';
import { dnsFault, dnsPart } from './traffic-checks.ts';

/** A host and a port from `portMin`. */
export function addressFault(written: string, portMin: number): Fault | undefined {
  const address = parseHostPort(written);
  const hint = 'such as `127.0.0.1:8080` or `[::1]:8080`';
  if ('fault' in address)
    return { code: 'HG1302', message: `the address \`${shown(written)}\` ${address.fault}`, hint };
  if (address.port < portMin) return { code: 'HG1302', message: 'port 0 is no port of an endpoint', hint };
  return undefined;
}

/** An address that can be dialled. */
export function endpointFault(written: string): Fault | undefined {
  const name = dnsPart(written);
  if (name !== undefined) {
    const fault = addressFault(name, 1);
    return fault === undefined ? dnsFault(name) : { ...fault, hint: 'such as `dns:models.internal:8501`' };
  }
  if (written.startsWith('unix:') || written.startsWith('/')) return laterFault('endpoints on unix sockets');
  return addressFault(written, 1);
}

/** A path of the file system. */
export function pathFault(written: string): Fault | undefined {
  if (/^(env|store):/.test(written)) {
    return {
      code: 'HG1309',
      message: `\`${shown(written)}\` is not the path of a file`,
      hint: 'write the path of a file or folder',
    };
  }
  if (!hasInvisible(written)) return undefined;
  return {
    code: 'HG1309',
    message: 'this path holds a control character or a line break',
    hint: 'one line: the path of a file',
  };
}

/** What a Host field can hold, without its port. */
export function hostFault(written: string): Fault | undefined {
  if (written.includes('*')) return { ...laterFault('patterns of hosts'), hint: 'write one route for each host' };
  const bare = written.startsWith('[') && written.endsWith(']') ? written.slice(1, -1) : written;
  if (isIP(bare) !== 0 || isDnsName(written)) return undefined;
  const hint = 'a DNS name or IP address without scheme, port and path: `scoring.example.test`';
  return { code: 'HG1307', message: `\`${shown(written)}\` is not a host`, hint };
}

/** Whole segments, then `/**`. */
export function pathPrefixFault(written: string): Fault | undefined {
  if (/^(\/[A-Za-z0-9._~-]+)*\/\*\*$/.test(written) && !/\/\.\.?\//.test(written)) return undefined;
  const hint = 'whole segments, then `/**`: `/prefect/**`; no regular expressions, no escapes';
  return { code: 'HG1307', message: `\`${shown(written)}\` is not a path prefix`, hint };
}

/** An https URL; http on loopback only. */
export function issuerFault(written: string): Fault | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const hint = 'the URL that the provider itself states as `issuer`, such as `https://id.example.test/realms/staff`';
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { code: 'HG1304', message: `\`${shown(written)}\` is not the https URL of an issuer`, hint };
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '' || /[?#]/.test(written)) {
    return { code: 'HG1304', message: 'an issuer has no user, query or fragment', hint };
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    return {
      code: 'HG1305',
      message: `the issuer \`${shown(written)}\` is reached in the clear`,
      hint: 'write `https://…`; http is for loopback only',
    };
  }
  return undefined;
}

/** Bounds that no engine could keep are none. */
export function sizeFault(written: string): Fault | undefined {
  const bytes = parseBytes(written);
  if (bytes === undefined) {
    const hint = 'write a whole number and `kB`, `MB` or `GB`, such as `64MB`';
    return { code: 'HG1311', message: `\`${shown(written)}\` is not a size`, hint };
  }
  if (bytes >= bodyBytesBoundMin && bytes <= bodyBytesBoundMax) return undefined;
  return { code: 'HG1311', message: `\`${written}\` is out of range`, hint: 'write 64kB to 2047MB' };
}
