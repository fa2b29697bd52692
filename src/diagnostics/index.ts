export { type Code, type CodeRow, codes } from './codes.ts';
export { listNames, nameHint, nearestName } from './near.ts';
export { renderJson } from './render-json.ts';
export { type RenderOptions, renderTerminal } from './render-terminal.ts';
export { diagnosticsMax, Report, type ReportOptions, sortBySpan } from './report.ts';
export { Source } from './source.ts';
export type { Checked, Diagnostic, Severity, Span } from './types.ts';
