import { z } from 'zod';
import { connectionAgeMsMax, connectionAgeMsMin } from '../../std/limits.ts';
import { duration } from './measures.ts';
import { note, notes } from './notes.ts';

/** `connectionAge: { after: 30m, grace: 5m }` */
export const connectionAge = z
  .strictObject({
    after: duration(
      'after',
      { min: connectionAgeMsMin, max: connectionAgeMsMax },
      'How long a connection of HTTP/2 serves, a tenth more or less by lot; then its client is told to go.',
    ),
    grace: duration(
      'grace',
      { min: connectionAgeMsMin, max: connectionAgeMsMax },
      'How much longer calls go on that are open then. Default: as long as they take.',
    ).optional(),
  })
  .register(
    notes,
    note({
      what: 'a map with `after`',
      within: '`connectionAge`',
      hint: 'write `connectionAge: { after: 30m, grace: 5m }`',
    }),
  );
