import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { forward, type TrainedModel } from './network.ts';
import { ServingFault } from './serving-fault.ts';

/** The trained models, by name, the latest version first. */
export class Models {
  readonly #byName = new Map<string, TrainedModel[]>();

  constructor(models: readonly TrainedModel[]) {
    for (const model of models.toSorted((a, b) => b.version - a.version)) {
      this.#byName.set(model.name, [...(this.#byName.get(model.name) ?? []), model]);
    }
  }

  /** All versions of a model, or the one that is asked for. Throws NOT_FOUND. */
  versions(name: string, version?: string): readonly TrainedModel[] {
    const all = this.#byName.get(name);
    if (all === undefined) throw new ServingFault('NOT_FOUND', `Could not find any versions of model ${name}`);
    if (version === undefined) return all;
    const found = all.filter((model) => String(model.version) === version);
    if (found.length === 0) throw new ServingFault('NOT_FOUND', `Could not find version ${version} of model ${name}`);
    return found;
  }

  /** The model that is to run: without a version the latest. Throws NOT_FOUND. */
  find(name: string, version?: string): TrainedModel {
    const found = this.#byName.get(name)?.find((model) => version === undefined || String(model.version) === version);
    if (found !== undefined) return found;
    const asked = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
    throw new ServingFault('NOT_FOUND', `Servable not found for request: ${asked}`);
  }
}

/** Reads what `demo/train.ts` wrote. */
export function loadModels(folder: string = join(import.meta.dirname, 'models')): Models {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Models(files.map((file): TrainedModel => JSON.parse(readFileSync(join(folder, file), 'utf8'))));
}

/** Runs a model over rows of numbers. Throws INVALID_ARGUMENT where a row doesn't fit. */
export function predict(model: TrainedModel, rows: unknown): number[][] {
  if (!Array.isArray(rows)) throw new ServingFault('INVALID_ARGUMENT', 'inputs is not a list of rows');
  return rows.map((row: unknown) => forward(model, numbersOf(model, row)));
}

/** Runs a model over named features, as classify and regress send them. Throws INVALID_ARGUMENT. */
export function predictExamples(model: TrainedModel, examples: unknown): number[][] {
  if (!Array.isArray(examples) || examples.length === 0) {
    throw new ServingFault(
      'INVALID_ARGUMENT',
      "When method is classify or regress, key 'examples' is expected and was not found or is empty",
    );
  }
  return predict(
    model,
    examples.map((example: unknown) => model.inputs.map(({ name }) => featureOf(example, name))),
  );
}

function numbersOf({ name, inputs }: TrainedModel, row: unknown): number[] {
  if (Array.isArray(row) && row.length === inputs.length && row.every((value) => typeof value === 'number')) return row;
  const names = inputs.map((input) => input.name).join(', ');
  throw new ServingFault('INVALID_ARGUMENT', `${name} takes rows of ${inputs.length} numbers: ${names}`);
}

/** A feature is a number, or a list of one. */
function featureOf(example: unknown, name: string): number {
  const value: unknown = isRecord(example) ? example[name] : undefined;
  const single: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof single === 'number') return single;
  throw new ServingFault('INVALID_ARGUMENT', `Feature: ${name} (data type: float) is required but could not be found.`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
