export type { AuditFinding, AuditVerdict } from './chain-check.ts';
export { coreText, heldCore } from './chain-line.ts';
export { checkpointName } from './checkpoint.ts';
export { byteKind, Copyist } from './copyist.ts';
export { keyLine, parseKeyLine } from './key-line.ts';
export { type OpenedSpoolCall, openedCore, openedLine } from './opened-line.ts';
export { type ReadOptions, readAudit } from './read.ts';
export { type SentenceOptions, sentence, whyText } from './sentence.ts';
export {
  encodeSpoolLine,
  type SpoolCall,
  spoolCore,
  spoolLine,
} from './spool-line.ts';
export { createSpoolLineParser, parseSpoolLine } from './spool-parser.ts';
export type * from './types.ts';
export { verifyAudit } from './verify.ts';
export { type AuditWriter, type AuditWriterOptions, startAuditWriter } from './writer.ts';
