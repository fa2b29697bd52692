import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
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
    const opened = openedHere();
    const upstreams: RecordingUpstream[] = [];
    let issuer: TestIssuer;
    let gateway: Gateway;

    before(async () => {
      issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
      for (const replica of ['a', 'b']) {
        upstreams.push(opened.adopt(await startRecordingUpstream(replica), (it) => it.close()));
      }
      const upstreamPorts = upstreams.map(({ port }) => port);
      const bindings = {
        environment: file.environment,
        issuers: [issuer.url],
        upstreamPorts,
        ...(file.models !== undefined && { models: file.models }),
      };
      gateway = await startGateway(name, file.policy, bindings, { keys: file.keys });
      opened.defer(() => gateway.stop());
    });

    for (const { name: title, calls } of file.cases) {
      test(title, async () => {
        for (const call of calls) await runCall({ file, gateway, issuer, upstreams }, call);
      });
    }
  });
}
