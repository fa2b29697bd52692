export { fileIdentity, storePath } from './database.ts';
export { type OpenKeyFinder, openKeyFinder } from './key-finder.ts';
export { openKeyStore } from './key-store.ts';
