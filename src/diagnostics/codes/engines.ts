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
  HG3003: {
    title: 'engine built without a part',
    meaning: 'The installed program was built without something that its configuration needs.',
  },
  HG3010: {
    title: 'more limits than the engine counts',
    meaning: 'A rule has more limits than the engine can count for one call.',
  },
  HG3011: {
    title: 'limit too slow for the engine',
    meaning: 'The burst of a limit takes longer to fill up than the engine can remember.',
  },
  HG3020: {
    title: 'feature that the engine does not have',
    meaning: 'The environment or the policy asks for a way of carrying calls that the engine does not have.',
  },
  HG3021: {
    title: 'coding that the engine does not have',
    meaning: 'Of the codings of answers that the environment lists, the engine takes those that it has.',
  },
  HG3030: {
    title: 'calls that go the assisted way',
    meaning:
      'The engine decides, limits and records these calls itself, and has them carried by the embedded engine over a local socket.',
  },
  HG3031: {
    title: 'how open calls end',
    meaning:
      'A call that is open when its access ends is ended by the engine within this time, in the way that the engine can.',
  },
  HG3032: {
    title: 'status that the engine does not see',
    meaning:
      'The engine sees no trailers, so it does not try calls again whose only sign of failure is a status there.',
  },
  HG3033: {
    title: 'version of the engine that gRPC needs a way around',
    meaning:
      'The installed version of the engine has a fault that gRPC calls meet. They are carried so that they do not, which costs something.',
  },
  HG3034: {
    title: 'status that may be lost on clients',
    meaning:
      'The engine resets calls that the service ends before its client has sent all, and some clients take the reset for the status.',
  },
} as const;
