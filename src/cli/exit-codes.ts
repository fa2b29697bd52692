/** Every exit code of `headgate`, in one table. */
export const exitCodes = {
  /** Done; for `explain`: the call is allowed. */
  ok: 0,
  /** The answer is no: errors in the files, a call that is refused, a test that fails, an audit that isn't intact, a gateway that isn't ready. */
  no: 1,
  /** The command isn't understood, or a file that it names can't be read. */
  usage: 2,
  /** The gateway could not start, broke down, or can't be reached. */
  failed: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
