import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GrpcClient, type GrpcOutcome } from './harness/clients.ts';
import { dishonestMessages, predictMethod } from './harness/dishonest-messages.ts';
import { type GrpcCase, inferences, versions } from './harness/grpc-cases.ts';
import { ranIn } from './harness/server.ts';
import { servedHere } from './harness/suite.ts';

/**
 * TensorFlow's runtime and TensorFlow Serving's official stubs without Headgate between: what a client may expect, and which
 * messages run another model than a careless reader takes them for. docs/tensorflow-serving.md relies on it.
 */
describe('the official stubs against the TensorFlow runtime', () => {
  const served = servedHere(() => new GrpcClient());

  const send = (call: GrpcCase['call']): Promise<GrpcOutcome> =>
    served.client.send(`127.0.0.1:${served.server.grpcPort}`, call);

  for (const { title, call, code = 'OK', response, ran } of [...inferences, ...versions, ...refusedByServing()]) {
    test(title, async () => {
      const { outcome, calls } = await served.server.during(() => send(call));
      assert.equal(outcome.code, code, outcome.details);
      // A client that refuses an answer for its size has no trailers of it.
      if (code !== 'RESOURCE_EXHAUSTED') assert.equal(outcome.trailing['x-answered-by'], call.operation);
      if (response !== undefined) assert.partialDeepStrictEqual(outcome.response, response);
      assert.deepEqual(ranIn(calls), ran);
    });
  }

  for (const { title, message, runs } of dishonestMessages) {
    test(`${title}: ${runs === undefined ? 'the official parser refuses it' : `runs ${runs}`}`, async () => {
      const call = { operation: 'Raw', method: predictMethod, message: message.toString('base64') } as const;
      const { outcome, calls } = await served.server.during(() => send(call));
      assert.equal(outcome.code, runs === undefined ? 'INTERNAL' : 'OK', outcome.details);
      assert.deepEqual(ranIn(calls), runs === undefined ? [] : [`${runs}/serving_default`]);
    });
  }

  test('a compressed request is read', async () => {
    const call = { operation: 'Predict', model: 'finance-prod', size: 4000, compression: 'gzip' } as const;
    const { outcome, calls } = await served.server.during(() => send(call));
    assert.equal(outcome.code, 'OK', outcome.details);
    assert.deepEqual(ranIn(calls), ['finance-prod/2/serving_default']);
  });

  test('a deadline reaches the server, and ends the call', async () => {
    const { outcome, calls } = await served.server.during(async () => {
      const metadata = { 'x-test-wait-ms': '1000' };
      const ended = await send({ operation: 'Predict', model: 'finance-prod', timeoutMs: 300, metadata });
      await served.server.calledTimes('x-test-wait-ms', 1);
      return ended;
    });
    assert.equal(outcome.code, 'DEADLINE_EXCEEDED');
    const [call] = calls;
    // gRPC rounds what is left up when it sends it.
    assert.ok(typeof call?.deadlineMs === 'number' && call.deadlineMs < 320, `${call?.deadlineMs} ms were left`);
    assert.equal(call.cancelled, true);
  });

  test('a label is given to a loaded version only, and moves at once', async () => {
    const reload = (prod: number): Promise<GrpcOutcome> => {
      const labels = { 'finance-prod': { stable: prod, canary: 2 }, 'finance-credit': { stable: 1, canary: 2 } };
      return send({ operation: 'HandleReloadConfigRequest', models: served.server.models, labels });
    };
    const byLabel = { operation: 'Predict', model: 'finance-prod', label: 'stable' } as const;
    assert.equal((await reload(7)).code, 'FAILED_PRECONDITION');
    assert.equal((await reload(2)).code, 'OK');
    assert.partialDeepStrictEqual((await send(byLabel)).response, { model_spec: { version: '2' } });
    assert.equal((await reload(1)).code, 'OK');
    assert.partialDeepStrictEqual((await send(byLabel)).response, { model_spec: { version: '1' } });
  });

  test('a reload unloads the models that it does not name', async () => {
    const loads = async (...names: string[]): Promise<string> => {
      const labels = Object.fromEntries(names.map((name) => [name, {}]));
      await send({ operation: 'HandleReloadConfigRequest', models: served.server.models, labels });
      return (await send({ operation: 'Predict', model: 'finance-credit' })).code;
    };
    assert.equal(await loads('finance-prod'), 'NOT_FOUND');
    assert.equal(await loads('finance-prod', 'finance-credit'), 'OK');
  });
});

/** What TensorFlow Serving refuses by itself, or reads in its own way. */
function refusedByServing(): GrpcCase[] {
  const prod = 'finance-prod';
  const classify = { model: prod, signature: 'classify', method: 'classify' } as const;
  const regress = { model: prod, signature: 'regress', method: 'regress' } as const;
  return [
    {
      title: 'GetModelStatus does not look at a label',
      call: { operation: 'GetModelStatus', model: prod, label: 'nobody' },
      response: { model_version_status: [{ version: '1' }, { version: '2' }] },
      ran: [],
    },
    {
      title: 'MultiInference takes the version of its first task',
      call: {
        operation: 'MultiInference',
        tasks: [
          { ...classify, version: 1 },
          { ...regress, version: 2 },
        ],
      },
      response: { results: [{ model_spec: { version: '1' } }, { model_spec: { version: '1' } }] },
      ran: ['finance-prod/1/classify', 'finance-prod/1/regress'],
    },
    {
      title: 'MultiInference is of one model',
      call: { operation: 'MultiInference', tasks: [classify, { ...regress, model: 'finance-credit' }] },
      code: 'INVALID_ARGUMENT',
      ran: [],
    },
    {
      title: 'MultiInference runs a signature once',
      call: { operation: 'MultiInference', tasks: [classify, classify] },
      code: 'INVALID_ARGUMENT',
      ran: [],
    },
    {
      title: 'MultiInference knows no tasks of Predict',
      call: { operation: 'MultiInference', tasks: [{ model: prod, method: 'predict' }] },
      code: 'UNIMPLEMENTED',
      ran: [],
    },
    {
      title: 'Classify without a signature takes serving_default, which is one of Predict',
      call: { operation: 'Classify', model: prod },
      code: 'INVALID_ARGUMENT',
      ran: [],
    },
    {
      title: 'a label that nothing has',
      call: { operation: 'Predict', model: prod, label: 'nobody' },
      code: 'INVALID_ARGUMENT',
      ran: [],
    },
    { title: 'no model', call: { operation: 'Predict' }, code: 'INVALID_ARGUMENT', ran: [] },
    { title: 'an unknown model', call: { operation: 'Predict', model: 'nobody' }, code: 'NOT_FOUND', ran: [] },
    {
      title: 'an unknown version',
      call: { operation: 'Predict', model: prod, version: 3 },
      code: 'NOT_FOUND',
      ran: [],
    },
  ];
}
