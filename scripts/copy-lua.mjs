// Copies what of the sources is not TypeScript into a folder that tsc has filled:  node scripts/copy-lua.mjs dist
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../src/', import.meta.url));
const target = process.argv[2] ?? 'dist';

for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
  if (name.endsWith('.lua')) cpSync(join(sources, name), join(target, name));
}
