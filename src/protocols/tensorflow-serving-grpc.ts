import type { GrpcRow } from './table.ts';

/** TensorFlow Serving's gRPC interface: `PredictionService` and `ModelService`. */
export const tensorflowServingGrpc: readonly GrpcRow[] = [
  prediction('Predict', 'predict'),
  prediction('Classify', 'classify'),
  prediction('Regress', 'regress'),
  { ...prediction('MultiInference', 'multi-inference'), walk: 'tasks' },
  prediction('GetModelMetadata', 'metadata'),
  model('GetModelStatus', 'status'),
  // Replaces what the server serves: done to the service itself, whatever models the message names.
  { ...model('HandleReloadConfigRequest', 'reload-config'), walk: 'none', safe: false },
];

/** Every operation is named like its action. */
function prediction(method: string, action: string): GrpcRow {
  return { name: action, action, path: `/tensorflow.serving.PredictionService/${method}`, walk: 'spec', safe: true };
}

function model(method: string, action: string): GrpcRow {
  return { ...prediction(method, action), path: `/tensorflow.serving.ModelService/${method}` };
}
