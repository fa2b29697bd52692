import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountsFor, type Example, type Field, paymentsFor } from './examples.ts';
import { affine, forward, type InputField, type Layer, softmax, type TrainedModel } from './network.ts';
import { createRandom, gaussian, type Random } from './random.ts';

/**
 * Trains the sample models and writes their weights to `demo/models/`. Everything is drawn from fixed seeds: the same weights
 * come out each time. Plain stochastic gradient descent over a network of two layers; it takes a few seconds.
 */
interface Lesson {
  readonly name: string;
  readonly version: number;
  readonly about: string;
  readonly fields: readonly Field[];
  readonly labels: readonly string[];
  readonly examples: (random: Random, count: number) => Example[];
  readonly hiddenUnits: number;
  readonly epochs: number;
}

const trainingCount = 4000;
const heldOutCount = 2000;
const digits = 4;

const lessons: readonly Lesson[] = [
  { ...paymentsFor, name: 'finance-prod', version: 3, hiddenUnits: 8, epochs: 30 },
  { ...paymentsFor, name: 'finance-prod', version: 4, hiddenUnits: 16, epochs: 60 },
  { ...accountsFor, name: 'finance-credit', version: 1, hiddenUnits: 8, epochs: 30 },
];

const folder = join(import.meta.dirname, 'models');
mkdirSync(folder, { recursive: true });
for (const lesson of lessons) {
  const model = train(lesson);
  const file = join(folder, `${model.name}-${model.version}.json`);
  writeFileSync(file, `${JSON.stringify(model, null, 1)}\n`);
  console.log(`${file}: ${(100 * model.accuracy).toFixed(1)} % of ${heldOutCount} held-out examples right`);
}

function train(lesson: Lesson): TrainedModel {
  const random = createRandom(lesson.version * 7919 + lesson.hiddenUnits);
  const examples = lesson.examples(random, trainingCount);
  const inputs = scaling(lesson.fields, examples);
  const model = {
    name: lesson.name,
    version: lesson.version,
    about: lesson.about,
    inputs,
    labels: lesson.labels,
    hidden: randomLayer(random, lesson.hiddenUnits, inputs.length),
    output: randomLayer(random, lesson.labels.length, lesson.hiddenUnits),
  };
  for (let epoch = 0; epoch < lesson.epochs; epoch += 1) {
    const rate = 0.05 / (1 + epoch / 10);
    for (const example of examples) descend(model, example, rate);
  }
  const rounded = { ...model, hidden: round(model.hidden), output: round(model.output), accuracy: 0 };
  return { ...rounded, accuracy: accuracy(rounded, lesson.examples(random, heldOutCount)) };
}

function scaling(fields: readonly Field[], examples: readonly Example[]): InputField[] {
  return fields.map(({ name }, index) => {
    const values = examples.map(({ input }) => input[index] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { name, mean: rounded(mean), deviation: rounded(Math.sqrt(variance)) };
  });
}

interface WritableLayer {
  readonly weights: number[][];
  readonly biases: number[];
}

function randomLayer(random: Random, outputs: number, inputs: number): WritableLayer {
  const spread = 1 / Math.sqrt(inputs);
  return {
    weights: Array.from({ length: outputs }, () => Array.from({ length: inputs }, () => spread * gaussian(random))),
    biases: Array.from({ length: outputs }, () => 0),
  };
}

interface Learner {
  readonly inputs: readonly InputField[];
  readonly hidden: WritableLayer;
  readonly output: WritableLayer;
}

/** One step against the gradient of the cross-entropy. */
function descend({ inputs, hidden, output }: Learner, { input, label }: Example, rate: number): void {
  const scaled = inputs.map(({ mean, deviation }, index) => ((input[index] ?? 0) - mean) / deviation);
  const inner = affine(hidden, scaled).map(Math.tanh);
  const faults = softmax(affine(output, inner)).map((share, index) => share - (index === label ? 1 : 0));
  const innerFaults = inner.map((value, at) => {
    const back = faults.reduce((sum, fault, index) => sum + fault * (output.weights[index]?.[at] ?? 0), 0);
    return back * (1 - value ** 2);
  });
  step(output, { faults, input: inner, rate });
  step(hidden, { faults: innerFaults, input: scaled, rate });
}

interface Step {
  readonly faults: readonly number[];
  readonly input: readonly number[];
  readonly rate: number;
}

function step({ weights, biases }: WritableLayer, { faults, input, rate }: Step): void {
  for (const [index, fault] of faults.entries()) {
    const row = weights[index] ?? [];
    for (const [at, value] of input.entries()) row[at] = (row[at] ?? 0) - rate * fault * value;
    biases[index] = (biases[index] ?? 0) - rate * fault;
  }
}

function accuracy(model: TrainedModel, examples: readonly Example[]): number {
  const right = examples.filter(({ input, label }) => {
    const shares = forward(model, input);
    return shares.indexOf(Math.max(...shares)) === label;
  });
  return rounded(right.length / examples.length);
}

function round({ weights, biases }: Layer): Layer {
  return { weights: weights.map((row) => row.map(rounded)), biases: biases.map(rounded) };
}

function rounded(value: number): number {
  return Number(value.toFixed(digits));
}
