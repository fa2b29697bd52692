/** One fully connected layer: `weights[output][input]`. */
export interface Layer {
  readonly weights: readonly (readonly number[])[];
  readonly biases: readonly number[];
}

/** What `demo/train.ts` writes and the model server runs. */
export interface TrainedModel {
  readonly name: string;
  readonly version: number;
  readonly about: string;
  /** Share of held-out examples that it gets right. */
  readonly accuracy: number;
  readonly inputs: readonly InputField[];
  readonly labels: readonly string[];
  readonly hidden: Layer;
  readonly output: Layer;
}

/** Inputs are scaled to mean 0 and deviation 1 before the first layer. */
export interface InputField {
  readonly name: string;
  readonly mean: number;
  readonly deviation: number;
}

/** The forward pass: scale, hidden layer with tanh, output layer with softmax. One probability a label. */
export function forward({ inputs, hidden, output }: TrainedModel, raw: readonly number[]): number[] {
  const scaled = inputs.map(({ mean, deviation }, index) => ((raw[index] ?? 0) - mean) / deviation);
  return softmax(affine(output, affine(hidden, scaled).map(Math.tanh)));
}

export function affine({ weights, biases }: Layer, input: readonly number[]): number[] {
  return weights.map((row, index) =>
    row.reduce((sum, weight, at) => sum + weight * (input[at] ?? 0), biases[index] ?? 0),
  );
}

export function softmax(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
