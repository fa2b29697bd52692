// Sets up other people's gRPC for the tests of test/interop: grpc-go's interop client and server, and Python's grpcio. Made once
// outside the working tree and shared by every clone. Nothing else needs it. Plain JavaScript: it runs on Node 20 too.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGoPrograms } from './go-programs.mjs';
import { ensurePythonPackages } from './python-environment.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'interop');

/**
 * Where they are, set up first where that can be done: `{ client, server, python }`, or `{ missing }` with the command that
 * installs what is missing.
 */
export function ensureInterop(say = console.log) {
  const go = ensureGoPrograms(
    {
      name: 'interop',
      pinned: join(folder, 'go'),
      programs: {
        client: 'google.golang.org/grpc/interop/client',
        server: 'google.golang.org/grpc/interop/server',
      },
      goMin: '1.25',
      about: 'for test/interop alone; 60 MB are fetched as Go modules, 41 MB on disk, a minute of two cores, once.',
    },
    say,
  );
  if (go.missing !== undefined) return { missing: go.missing };
  const python = ensurePythonPackages(
    {
      name: 'interop',
      requirements: join(folder, 'python', 'requirements.txt'),
      diskBytesMin: 200_000_000,
      about: [
        "Python's gRPC",
        'for test/interop alone; 8 MB are fetched, 44 MB on disk, once. The folder can be deleted at any time',
      ],
    },
    say,
  );
  if (python.missing !== undefined) return { missing: python.missing };
  return { client: join(go.folder, 'client'), server: join(go.folder, 'server'), python: python.python };
}
