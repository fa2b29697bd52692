import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testPlan } from '../../test/support/test-plan.ts';
import { classify, grpcTables, isGrpc, messageWalk, walkOf } from './index.ts';

const plan = testPlan({});
const request = { listener: 'public', method: 'POST', authority: 'h' };
const predict = '/tensorflow.serving.PredictionService/Predict';

describe('gRPC calls', () => {
  test('are found by their path, and made on the model that the message names', () => {
    assert.deepEqual(classify(plan, { ...request, target: predict, message: { model: 'm', version: '3' } }), {
      operation: {
        service: 'scoring',
        protocol: 'tensorflow-serving',
        name: 'predict',
        action: 'predict',
        grpc: true,
        safe: true,
        resource: ['m'],
        model: 'm',
        version: '3',
      },
      upstreamPath: predict,
    });
  });

  test('on the service itself have no model', () => {
    const target = '/tensorflow.serving.ModelService/HandleReloadConfigRequest';
    const found = classify(plan, { ...request, target, message: {} });
    assert.ok('operation' in found);
    assert.deepEqual(
      [found.operation.action, found.operation.resource, found.operation.safe],
      ['reload-config', [], false],
    );
    assert.equal(walkOf(target), 'none');
  });

  test('are found as gRPC alone, and REST as REST alone', () => {
    const unknown = { reason: 'operation-unknown' };
    assert.deepEqual(classify(plan, { ...request, target: predict }), unknown);
    assert.deepEqual(classify(plan, { ...request, target: '/v1/models/m:predict', message: { model: 'm' } }), unknown);
    assert.deepEqual(classify(plan, { ...request, target: `${predict}/`, message: { model: 'm' } }), unknown);
    assert.deepEqual(classify(plan, { ...request, target: predict.toLowerCase(), message: { model: 'm' } }), unknown);
  });

  test('without a model where one is needed mean nothing', () => {
    const found = classify(plan, { ...request, target: predict, message: {} });
    assert.equal('reason' in found && found.reason, 'message-malformed');
  });

  test('are walked as their row says, behind a route as well', () => {
    assert.deepEqual(
      grpcTables['tensorflow-serving'].map(({ path }) => [path.split('/')[2], walkOf(path)]),
      [
        ['Predict', 'spec'],
        ['Classify', 'spec'],
        ['Regress', 'spec'],
        ['MultiInference', 'tasks'],
        ['GetModelMetadata', 'spec'],
        ['GetModelStatus', 'spec'],
        ['HandleReloadConfigRequest', 'none'],
      ],
    );
    const [listener] = plan.listeners;
    assert.ok(listener);
    const routes = [{ service: 'scoring', pathPrefix: '/s', strip: true }];
    const behind = { ...plan, listeners: [{ ...listener, routes }] };
    assert.equal(messageWalk(behind, { ...request, target: `/s${predict}` }), 'spec');
    assert.equal(messageWalk(behind, { ...request, target: predict }), undefined);
    assert.equal(messageWalk(plan, { ...request, target: `${predict}?a` }), 'spec');
  });
});

test('content types of gRPC', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'application/grpc;x'])
    assert.ok(isGrpc('POST', type));
  for (const type of [undefined, 'application/grpc-web', 'application/json', 'Application/grpc']) {
    assert.ok(!isGrpc('POST', type));
  }
  assert.ok(!isGrpc('GET', 'application/grpc'));
});
