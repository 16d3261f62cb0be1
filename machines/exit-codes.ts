// What a command ends with (contract, section 2).

/** Exit codes of the contract, section 2. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  signInNeeded: 3,
  refused: 4,
  tryLater: 5,
  misconfigured: 6,
  interrupted: 130,
} as const;
