export { accessLock, lockLinesMax } from './access-lock.ts';
export { compile } from './compile.ts';
