export { checkpointName } from './checkpoint.ts';
export { keyLine, parseKeyLine } from './key-line.ts';
export { type ReadOptions, readAudit } from './read.ts';
export { type SentenceOptions, sentence, whyText } from './sentence.ts';
export {
  coreText,
  createSpoolLineParser,
  encodeSpoolLine,
  parseSpoolLine,
  type SpoolCall,
  type StaticCore,
  spoolCore,
  spoolLine,
} from './spool-line.ts';
export type * from './types.ts';
export { type AuditFinding, type AuditVerdict, verifyAudit } from './verify.ts';
export { type AuditWriter, type AuditWriterOptions, startAuditWriter } from './writer.ts';
