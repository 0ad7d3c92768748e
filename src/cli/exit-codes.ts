/** The exit codes of every command. */

/** Exit codes by what they tell a script. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  failedRows: 3,
  authentication: 4,
  budget: 5,
  conflict: 6,
  pending: 75,
  interrupted: 130,
} as const;
