/** HG3xxx: what an engine can't do, or lacks. */
export const engineCodes = {
  HG3001: {
    title: 'engine not installed',
    meaning: 'The program that the environment names as its engine is not installed on this machine.',
  },
  HG3002: {
    title: 'engine too old',
    meaning: 'The installed program is older than what its configuration is written for.',
  },
  HG3010: {
    title: 'more limits than the engine counts',
    meaning: 'A rule has more limits than the engine can count for one call.',
  },
  HG3011: {
    title: 'limit too slow for the engine',
    meaning: 'The burst of a limit takes longer to fill up than the engine can remember.',
  },
} as const;
