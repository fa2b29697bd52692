import { Report } from '../../diagnostics/index.ts';
import type { Diagnostic } from '../../diagnostics/types.ts';
import type { Plan } from '../../plan/types.ts';
import { refusedFeatures } from '../refused.ts';
import { haproxyServices, haproxyVersion, installCommand, isSupported, versionFloor } from './binary.ts';
import { capabilities } from './capabilities.ts';
import { exporterService } from './exporter.ts';
import { slotsMax, speedOf } from './record.ts';
import { noteStreams } from './stream-notes.ts';
import { breaksAnswers } from './streams-apart.ts';

/** What HAProxy can't do of this Plan, or that it isn't there. */
export async function checkHaproxy(plan: Plan): Promise<readonly Diagnostic[]> {
  const report = new Report();
  const version = await haproxyVersion();
  checkVersion(version, report);
  if (version !== undefined) checkServices(await haproxyServices(), report);
  for (const { name, limits, file, line } of plan.access.rules) {
    const span = { file, line, column: 1, endLine: line, endColumn: 1 };
    if (limits.length > slotsMax) {
      const message = `the rule \`${name}\` has ${limits.length} limits, HAProxy counts ${slotsMax} for one call`;
      report.add('HG3010', message, { span, hint: 'leave out limits, or take the embedded engine' });
    }
    if (limits.some((limit) => speedOf(limit) === undefined)) {
      const message = `the rule \`${name}\` has a limit whose burst takes more than 45 days to fill up`;
      report.add('HG3011', message, { span, hint: 'give it a smaller burst, or take the embedded engine' });
    }
  }
  noteStreams(plan, report, version);
  if (version !== undefined) noteVersion(plan, version, report);
  return [...report.diagnostics(), ...refusedFeatures({ name: 'haproxy', capabilities }, plan)];
}

/** `version`: the installed one. */
export function checkVersion(version: string | undefined, report: Report): void {
  const hint = `install it: ${installCommand}`;
  if (version === undefined) report.add('HG3001', 'HAProxy is not installed', { hint });
  else if (!isSupported(version)) {
    report.add('HG3002', `HAProxy ${version} is older than ${versionFloor}`, { hint });
  }
}

/** `version`: the installed one. Said once, where any service is reached over gRPC. */
export function noteVersion({ upstreams }: Pick<Plan, 'upstreams'>, version: string, report: Report): void {
  const hasGrpc = upstreams.some(({ endpoints }) => endpoints.some(({ grpc }) => grpc !== undefined));
  if (!hasGrpc || !breaksAnswers(version)) return;
  const message = `HAProxy ${version} breaks large gRPC answers off where calls share a connection: they are kept apart`;
  const hint = 'that costs up to 64 connections a replica and some CPU; HAProxy 2.6.17, 2.8.6 and 3.0 need it no more';
  report.add('HG3033', message, { severity: 'note', hint });
}

/** Its own metrics stand on our page of metrics. */
export function checkServices(services: readonly string[], report: Report): void {
  if (services.includes(exporterService)) return;
  const hint = "take a build that has it, such as Debian's: `haproxy -vv` says what a build has";
  report.add('HG3003', `HAProxy was built without its ${exporterService}`, { hint });
}
