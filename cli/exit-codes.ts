// Exit codes that the mouth gives on its own account; errors bring theirs along (contract, section 2).

export const exitCodes = { done: 0, failed: 1, signInNeeded: 3, misconfigured: 6, interrupted: 130 } as const;

/** What an error that is one of ours brings along. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly next: string | null;
  readonly exitCode: number;
}

/** Whether an error says by itself how the program shall end. */
export function isFailure(error: unknown): error is Error & Failure {
  return error instanceof Error && "exitCode" in error && "next" in error && "code" in error;
}
