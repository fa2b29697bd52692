import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { type CaseFile, readCases } from './harness/case.ts';
import { engines, type Gateway, startGateway } from './harness/gateway.ts';
import { startTestIssuer, type TestIssuer } from './harness/issuer.ts';
import { runCall } from './harness/run-call.ts';
import { type RecordingUpstream, startRecordingUpstream } from './harness/upstream.ts';

const folder = join(import.meta.dirname, 'cases');

/** `scripts/test.ts` says which engines are there, and counts what is left out as not run. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

for (const file of readCases(folder)) {
  for (const name of present) suite(file, name);
}

/** One file of cases on one engine: one start, its cases in order. */
function suite(file: CaseFile, name: EngineName): void {
  describe(`${file.name} on ${name}`, () => {
    let issuer: TestIssuer;
    let upstreams: RecordingUpstream[];
    let gateway: Gateway;

    before(async () => {
      issuer = await startTestIssuer('headgate');
      upstreams = [await startRecordingUpstream('a'), await startRecordingUpstream('b')];
      const upstreamPorts = upstreams.map(({ port }) => port);
      const bindings = {
        environment: file.environment,
        issuers: [issuer.url],
        upstreamPorts,
        ...(file.models !== undefined && { models: file.models }),
      };
      gateway = await startGateway(name, file.policy, bindings, { keys: file.keys });
    });

    after(async () => {
      await gateway?.stop();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
      await issuer.close();
    });

    for (const { name: title, calls } of file.cases) {
      test(title, async () => {
        for (const call of calls) await runCall({ file, gateway, issuer, upstreams }, call);
      });
    }
  });
}
