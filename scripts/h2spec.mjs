// Sets up h2spec, which puts the cases of RFC 9113 and RFC 7541 to a server, for the tests of test/http2: a Go program, built once
// outside the working tree and shared by every clone. Nothing else needs it. Plain JavaScript: it runs on Node 20 too.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGoPrograms } from './go-programs.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Where h2spec is, built first where that can be done: `{ program }`, or `{ missing }` with the command that installs it. */
export function ensureH2spec(say = console.log) {
  const built = ensureGoPrograms(
    {
      name: 'h2spec',
      pinned: join(root, 'test', 'http2', 'h2spec'),
      programs: { h2spec: 'github.com/summerwind/h2spec/cmd/h2spec' },
      goMin: '1.19',
      about: 'for test/http2 alone; a few MB are fetched as Go modules, 6 MB on disk, once.',
    },
    say,
  );
  return built.missing === undefined ? { program: join(built.folder, 'h2spec') } : { missing: built.missing };
}
