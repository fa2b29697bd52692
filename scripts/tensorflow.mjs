// Sets up the real TensorFlow for the tests of test/tensorflow: a Python environment outside the working tree, made once and
// shared by every clone. Nothing else needs it, and `npm start` never comes here. Plain JavaScript: it runs on Node 20 too.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePythonPackages } from './python-environment.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** What an environment takes while it is made: 1.4 GB, and 0.3 GB of packages that pip unpacks. */
const diskBytesMin = 2_500_000_000;

/**
 * The Python that has TensorFlow, made first where that can be done: `{ python }`, or `{ missing }` with the command that
 * installs what is missing.
 */
export function ensureTensorFlow(say = console.log) {
  return ensurePythonPackages(
    {
      name: 'tensorflow',
      requirements: join(root, 'test', 'tensorflow', 'python', 'requirements.txt'),
      diskBytesMin,
      about: [
        "TensorFlow's runtime and TensorFlow Serving's stubs",
        'for test/tensorflow alone; 0.3 GB are fetched, 1.4 GB on disk, once. The folder can be deleted at any time',
      ],
    },
    say,
  );
}
