import { join } from 'node:path';
import { ensureTensorFlow } from '../../../scripts/tensorflow.mjs';
import { PythonProgram } from '../../support/python-program.ts';

const folder = join(import.meta.dirname, '../python');

/** A program of `../python`, run by the Python that has TensorFlow. */
export function tensorFlowProgram(name: string, args: readonly string[] = []): PythonProgram {
  const { python, missing } = ensureTensorFlow();
  if (python === undefined) throw new Error(`${missing.name} is missing (${missing.why}). Run: ${missing.remedy}`);
  return new PythonProgram(python, join(folder, name), args);
}
