export { type CompiledFiles, compileFiles, type Files } from './compile-files.ts';
export { engineNames, loadEngine } from './engines.ts';
export { ControlFault, type FaultCode, messageOf, systemCode } from './fault.ts';
export { isError } from './reload.ts';
export type { RunningHeadgate } from './running.ts';
export { type StartOptions, startHeadgate } from './start.ts';
export type { HeadgateStatus, ReloadStatus } from './status.ts';
export { version } from './version.ts';
export { stampOf, watchFiles } from './watch.ts';
