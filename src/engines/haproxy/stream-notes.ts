import type { Report } from '../../diagnostics/index.ts';
import { trafficOf } from '../../plan/index.ts';
import type { Plan } from '../../plan/types.ts';
import { streamServices } from './stream-services.ts';
import { streamLookMs, streamLookMsMax } from './stream-watch.ts';

const seconds = (ms: number): string => `${ms / 1000} s`;
/** A look, deciding, and ending: beside the wait for it. */
const workMs = 1000;

/** What the policy's author has to know of gRPC services on HAProxy: how open calls end there, and what isn't tried again. */
export function noteStreams(plan: Plan, report: Report, version = ''): void {
  for (const upstream of plan.upstreams) {
    const { service, streams } = upstream;
    if (!streamServices(plan).has(service) || streams?.end === 'status') continue;
    const bound = `${seconds(streamLookMs + workMs)} (${seconds(streamLookMsMax + workMs)} where many thousands are open)`;
    report.add('HG3031', `open calls of \`${service}/**\` whose access ends are reset by HAProxy within ${bound}`, {
      severity: 'note',
      hint: 'their clients see CANCELLED, or an end without a status; `streams: { end: status }` tells them why',
    });
    if (resetsEarlyEnds(version)) noteEarlyEnds(service, report);
    if (trafficOf(upstream).retries.triesMax === 1 || !hasIdempotent(plan, service)) continue;
    report.add(
      'HG3032',
      `UNAVAILABLE that \`${service}\` says in trailers is not tried again by HAProxy, which can't see it`,
      {
        severity: 'note',
        hint: 'with `streams: { end: status }`, or on the embedded engine, idempotent methods are',
      },
    );
  }
}

/** Whether it follows a status that comes before the client has sent all with a reset of its own: until 3.2. `''`: it isn't known. */
export function resetsEarlyEnds(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return major !== undefined && (Number(major) < 3 || (Number(major) === 3 && Number(minor) < 2));
}

function noteEarlyEnds(service: string, report: Report): void {
  const what = `a status that \`${service}\` gives before its client has sent all may be lost on clients over gRPC's C++ core`;
  report.add('HG3034', `${what}: HAProxy before 3.2 resets the call in the same breath`, {
    severity: 'note',
    hint: 'where clients stream to it, `streams: { end: status }` keeps such a status',
  });
}

function hasIdempotent({ access }: Plan, service: string): boolean {
  const { methods = {} } = access.services.find(({ name }) => name === service) ?? {};
  return Object.values(methods).some(({ idempotent }) => idempotent === true);
}
