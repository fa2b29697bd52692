// Sets up Python for the tests of examples/verify-identity: what its requirements.txt names, outside the working tree, made once and
// shared by every clone. Nothing else needs it. Plain JavaScript: it runs on Node 20 too.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePythonPackages } from './python-environment.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The Python that has them, made first where that can be done: `{ python }`, or `{ missing }` with the command that installs it. */
export function ensureExamples(say = console.log) {
  return ensurePythonPackages(
    {
      name: 'examples',
      requirements: join(root, 'examples', 'verify-identity', 'requirements.txt'),
      diskBytesMin: 250_000_000,
      about: [
        'PyJWT, cryptography and gRPC for Python',
        'for test/examples alone; 12 MB are fetched, 60 MB on disk, once. The folder can be deleted at any time',
      ],
    },
    say,
  );
}
