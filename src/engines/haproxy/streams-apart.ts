import { call, chain, type Directive, directive } from './print.ts';

/** Connections to one server among which the calls of HTTP/2 are spread, one after the other. */
const connections = 64;

/**
 * HAProxy before these versions breaks a large answer off where its trailers come while data of it still waits and data of other calls
 * on the same connection fills the connection's buffer (its issue 2388).
 */
const mended: readonly string[] = ['2.6.17', '2.7.12', '2.8.6', '2.9.1'];

/**
 * For servers that are spoken to over HTTP/2, on such a HAProxy: calls that are open at once go by connections of their own, as far as
 * there are so many. What it takes for a connection's server name tells connections apart also where there is no TLS.
 */
export function apartLines(): Directive[] {
  const number = chain(call('unique-id'), call('field', 2, '-'), call('mod', connections));
  const broken = mended.map((version, index) => {
    const since = version.split('.').slice(0, 2).join('.');
    return index === 0 ? `version_before(${version})` : `(version_atleast(${since}) && version_before(${version}))`;
  });
  return [
    directive(['.if', broken.join(' || ')]),
    directive(['default-server', 'sni', number, 'pool-low-conn', connections]),
    directive(['.endif']),
  ];
}

/** Whether a version (`2.6.12`) breaks large answers off where calls share a connection. */
export function breaksAnswers(version: string): boolean {
  const numbers = numbersOf(version);
  const [major = 0, minor = 0, patch = 0] = numbers;
  const mend = mended.map(numbersOf).find(([, each]) => each === minor);
  if (major !== 2 || mend === undefined) return major < 2 || (major === 2 && minor < 6);
  return patch < (mend[2] ?? 0);
}

function numbersOf(version: string): number[] {
  return version.split('.').map((each) => Number.parseInt(each, 10));
}
