import { z } from 'zod';
import { note, notes } from './notes.ts';

/** Of both files: the form that they are written in. Missing and other ones have codes of their own. */
export const version = z
  .literal(1)
  .describe('Form of this file: 1.')
  .register(notes, note({ what: '`version: 1`' }));
