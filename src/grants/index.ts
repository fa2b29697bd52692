export { KeyRefusal, type KeyRefusalCode, StoreFault, type StoreFaultCode } from './faults.ts';
export { isKeyName, type KeyState, keyNameCharactersMax, stateOf } from './key-state.ts';
export {
  isKeyId,
  isKeyText,
  isSecretOf,
  type KeyText,
  keyPrefix,
  type MadeKey,
  makeKey,
  readKeyText,
} from './key-text.ts';
export type * from './types.ts';
