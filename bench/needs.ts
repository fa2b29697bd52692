import { availableParallelism } from 'node:os';
import { isInstalled } from './processes.ts';

const needs = [
  { program: 'haproxy', install: 'apt-get install haproxy' },
  { program: 'wrk', install: 'apt-get install wrk' },
  { program: 'h2load', install: 'apt-get install nghttp2-client' },
  { program: 'nghttpd', install: 'apt-get install nghttp2-server' },
  { program: 'taskset', install: 'apt-get install util-linux' },
];

/** What the comparison of proxies lacks on this machine, each with what mends it; nothing where it can run. */
export function needsLacking(): readonly string[] {
  const missing = needs.filter(({ program }) => !isInstalled(program));
  const lines = missing.map(({ program, install }) => `the proxies: ${program} is missing (${install})`);
  if (process.platform !== 'linux') lines.push('the proxies: CPU time is read from /proc, which only Linux has');
  else if (availableParallelism() < 2)
    lines.push('the proxies: two cores are needed, one for the proxy and one for the load');
  return lines;
}
