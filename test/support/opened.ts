import { after } from 'node:test';

/**
 * What the set-up of a suite opens: closed after the suite, the last first, also where the set-up fails half way. To be called where
 * the suite, or the file, is described. Within a test `await using` and `AsyncDisposableStack` themselves do it.
 */
export function openedHere(): AsyncDisposableStack {
  const opened = new AsyncDisposableStack();
  after(() => opened.disposeAsync());
  return opened;
}
