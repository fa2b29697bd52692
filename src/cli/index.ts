export { type ExplainOptions, explain } from './explain.ts';
export { program } from './program.ts';
export type { Terminal } from './terminal.ts';
