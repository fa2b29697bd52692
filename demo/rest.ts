import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isRecord, type Models, predict, predictExamples } from './models.ts';
import type { TrainedModel } from './network.ts';
import { ServingFault, servingCodes } from './serving-fault.ts';

const bodyBytesMax = 64 * 1024 * 1024;
/** TensorFlow Serving matches without regard to case. */
const paths = {
  run: /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?:(predict|classify|regress)$/i,
  metadata: /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?\/metadata$/i,
  status: /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?$/i,
};

/** TensorFlow Serving's REST over the sample models (https://www.tensorflow.org/tfx/serving/api_rest). */
export function createRest(models: Models, replica: string): Server {
  return createServer(async (request, response) => {
    const { status, value } = await answer(models, request);
    const body = `${JSON.stringify(value, null, 4)}\n`;
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-replica': replica,
    });
    response.end(body);
  });
}

interface Answer {
  readonly status: number;
  readonly value: object;
}

async function answer(models: Models, request: IncomingMessage): Promise<Answer> {
  try {
    return { status: 200, value: await route(models, request) };
  } catch (fault) {
    if (!(fault instanceof ServingFault)) throw fault;
    return { status: servingCodes[fault.code].http, value: { error: fault.message } };
  }
}

async function route(models: Models, request: IncomingMessage): Promise<object> {
  const { method = '', url = '' } = request;
  const path = url.split('?', 1)[0] ?? '';
  if (method === 'GET') {
    const metadata = paths.metadata.exec(path);
    if (metadata !== null) return metadataOf(models.find(metadata[1] ?? '', metadata[2]));
    const status = paths.status.exec(path);
    if (status !== null) return statusOf(models.versions(status[1] ?? '', status[2]));
  }
  const [whole, name = '', version, verb = ''] = (method === 'POST' && paths.run.exec(path)) || [];
  if (whole === undefined) throw new ServingFault('INVALID_ARGUMENT', `Malformed request: ${method} ${path}`);
  const body = await jsonOf(request);
  return run(models.find(name, version), verb.toLowerCase(), body);
}

async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new ServingFault('RESOURCE_EXHAUSTED', 'The request body is too large');
    chunks.push(chunk);
  }
  const value: unknown = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (!isRecord(value)) throw new ServingFault('INVALID_ARGUMENT', 'JSON Value: Request is not a JSON object');
  return value;
}

function parseJson(text: string): unknown {
  if (text === '') throw new ServingFault('INVALID_ARGUMENT', 'JSON Parse error: The document is empty');
  try {
    return JSON.parse(text);
  } catch {
    throw new ServingFault('INVALID_ARGUMENT', 'JSON Parse error: Invalid value.');
  }
}

function run(model: TrainedModel, verb: string, body: Record<string, unknown>): object {
  switch (verb) {
    case 'classify':
      return { results: predictExamples(model, body.examples).map((row) => labelled(model, row)) };
    case 'regress':
      return { results: regress(model, body.examples) };
    default:
      return predictEither(model, body);
  }
}

/** The row format (`instances` → `predictions`) or the columnar one (`inputs` → `outputs`). */
function predictEither(model: TrainedModel, body: Record<string, unknown>): object {
  const { instances, inputs } = body;
  if (instances !== undefined && inputs !== undefined) {
    throw new ServingFault('INVALID_ARGUMENT', "Not expecting 'instances' and 'inputs' together");
  }
  if (Array.isArray(instances)) return { predictions: predict(model, instances.map(unnamed)) };
  if (inputs !== undefined) return { outputs: predict(model, unnamed(inputs)) };
  throw new ServingFault('INVALID_ARGUMENT', "Missing 'inputs' or 'instances' key");
}

/** A model of one input may have it named or not. */
function unnamed(value: unknown): unknown {
  return isRecord(value) ? value.inputs : value;
}

function labelled({ labels }: TrainedModel, row: readonly number[]): [string, number][] {
  return row.map((share, index) => [labels[index] ?? '', share]);
}

/** Of a model with two labels the share of the second one: a single number. */
function regress(model: TrainedModel, examples: unknown): number[] {
  if (model.labels.length !== 2) {
    throw new ServingFault(
      'INVALID_ARGUMENT',
      `Expected regression signature method_name to be tensorflow/serving/regress. ${model.name} has none`,
    );
  }
  return predictExamples(model, examples).map((row) => row[1] ?? 0);
}

function statusOf(versions: readonly TrainedModel[]): object {
  const model_version_status = versions.map(({ version }) => ({
    version: String(version),
    state: 'AVAILABLE',
    status: { error_code: 'OK', error_message: '' },
  }));
  return { model_version_status };
}

function metadataOf(model: TrainedModel): object {
  const tensor = (name: string, size: number): object => ({
    dtype: 'DT_FLOAT',
    tensor_shape: { dim: [-1, size].map((each) => ({ size: String(each), name: '' })), unknown_rank: false },
    name,
  });
  const serving_default = {
    inputs: { inputs: tensor('serving_default_inputs:0', model.inputs.length) },
    outputs: { probabilities: tensor('StatefulPartitionedCall:0', model.labels.length) },
    method_name: 'tensorflow/serving/predict',
  };
  return {
    model_spec: { name: model.name, signature_name: '', version: String(model.version) },
    metadata: { signature_def: { signature_def: { serving_default } } },
  };
}
