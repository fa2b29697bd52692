import { join } from 'node:path';
import { Server, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Models, predict } from './models.ts';
import type { TrainedModel } from './network.ts';
import { ServingFault, servingCodes } from './serving-fault.ts';

const protoFolder = join(import.meta.dirname, 'proto');
const definitions = loadSync('serving.proto', {
  keepCase: true,
  includeDirs: [protoFolder],
  longs: String,
  enums: String,
  defaults: false,
});

/** A service of the sample protocol, for servers and clients. */
export function serviceDefinition(name: 'PredictionService' | 'ModelService'): ServiceDefinition {
  const found = definitions[`tensorflow.serving.${name}`];
  if (found === undefined || 'format' in found) throw new Error(`no service ${name} in serving.proto`);
  return found as ServiceDefinition;
}

interface ModelSpec {
  readonly name?: string;
  readonly version?: { readonly value?: string };
}

interface Tensor {
  readonly dtype?: string;
  readonly tensor_shape?: { readonly dim?: readonly { readonly size?: string }[] };
  readonly tensor_content?: Buffer;
  readonly float_val?: readonly number[];
  readonly double_val?: readonly number[];
}

interface ModelRequest {
  readonly model_spec?: ModelSpec;
  readonly inputs?: Readonly<Record<string, Tensor>>;
}

/** TensorFlow Serving's gRPC over the sample models: Predict, GetModelMetadata, GetModelStatus. */
export function createGrpc(models: Models): Server {
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  server.addService(serviceDefinition('PredictionService'), {
    Predict: unary((request) => predictTensor(models, request)),
    GetModelMetadata: unary((request) => metadataOf(modelOf(models, request))),
  });
  server.addService(serviceDefinition('ModelService'), {
    GetModelStatus: unary((request) => statusOf(models, request)),
  });
  return server;
}

function unary(handle: (request: ModelRequest) => object): UntypedHandleCall {
  return (call: { readonly request: ModelRequest }, callback: (fault: object | null, value?: object) => void): void => {
    try {
      callback(null, handle(call.request));
    } catch (fault) {
      if (!(fault instanceof ServingFault)) throw fault;
      callback({ code: servingCodes[fault.code].grpc, details: fault.message });
    }
  };
}

function modelOf(models: Models, { model_spec }: ModelRequest): TrainedModel {
  if (!model_spec?.name) throw new ServingFault('INVALID_ARGUMENT', 'Missing ModelSpec');
  return models.find(model_spec.name, model_spec.version?.value);
}

function specOf({ name, version }: TrainedModel): object {
  return { name, version: { value: String(version) }, signature_name: 'serving_default' };
}

function predictTensor(models: Models, request: ModelRequest): object {
  const model = modelOf(models, request);
  const tensor = request.inputs?.inputs;
  if (tensor === undefined) {
    throw new ServingFault('INVALID_ARGUMENT', 'input size does not match signature: the input is called inputs');
  }
  const rows = predict(model, rowsOf(tensor, model.inputs.length));
  const probabilities = {
    dtype: 'DT_FLOAT',
    tensor_shape: shape(rows.length, model.labels.length),
    float_val: rows.flat(),
  };
  return { outputs: { probabilities }, model_spec: specOf(model) };
}

function shape(...sizes: number[]): object {
  return { dim: sizes.map((size) => ({ size: String(size) })) };
}

function rowsOf(tensor: Tensor, width: number): number[][] {
  const values = valuesOf(tensor);
  const rows = values.length / width;
  const claimed = tensor.tensor_shape?.dim?.reduce((product, { size = '0' }) => product * Number(size), 1);
  if (!Number.isInteger(rows) || claimed !== values.length) {
    throw new ServingFault('INVALID_ARGUMENT', `Expected a tensor of shape [n, ${width}] with as many values`);
  }
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}

function valuesOf({ dtype, tensor_content, float_val, double_val }: Tensor): number[] {
  const isFloat = dtype === 'DT_FLOAT';
  if (!isFloat && dtype !== 'DT_DOUBLE') throw new ServingFault('INVALID_ARGUMENT', 'Expected DT_FLOAT or DT_DOUBLE');
  if (tensor_content === undefined || tensor_content.length === 0)
    return [...((isFloat ? float_val : double_val) ?? [])];
  const width = isFloat ? 4 : 8;
  return Array.from({ length: Math.floor(tensor_content.length / width) }, (_, index) =>
    isFloat ? tensor_content.readFloatLE(index * width) : tensor_content.readDoubleLE(index * width),
  );
}

function statusOf(models: Models, { model_spec }: ModelRequest): object {
  const model_version_status = models
    .versions(model_spec?.name ?? '', model_spec?.version?.value)
    .map(({ version }) => ({
      version: String(version),
      state: 'AVAILABLE',
      status: { error_code: 0, error_message: '' },
    }));
  return { model_version_status };
}

function metadataOf(model: TrainedModel): object {
  const serving_default = {
    inputs: {
      inputs: { name: 'serving_default_inputs:0', dtype: 'DT_FLOAT', tensor_shape: shape(-1, model.inputs.length) },
    },
    outputs: {
      probabilities: { name: 'probabilities:0', dtype: 'DT_FLOAT', tensor_shape: shape(-1, model.labels.length) },
    },
    method_name: 'tensorflow/serving/predict',
  };
  // Travels inside a google.protobuf.Any: proto-loader packs it by its type.
  const signature_def = {
    '@type': 'type.googleapis.com/tensorflow.serving.SignatureDefMap',
    signature_def: { serving_default },
  };
  return { model_spec: specOf(model), metadata: { signature_def } };
}
