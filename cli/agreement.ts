// Before something is done that cannot be taken back: what it means, and a yes.
//
// It is said each time, whoever has agreed before. Where nobody can be asked, only the option `--yes` is a yes.
import type { ErrorCode } from "../runtime/index.ts";
import { createPrompt } from "./prompt.ts";
import type { Context } from "./session.ts";
import type { Io } from "./terminal.ts";

/** What somebody has to agree to before it is done. */
export interface Matter {
  /** What it means. */
  readonly warning: readonly string[];
  readonly question: string;
  /** The error where nobody can be asked. */
  readonly unasked: ErrorCode;
  /** The error where somebody was asked, and did not say yes. */
  readonly declined: ErrorCode;
  /** Whose it is; missing: nobody's. */
  readonly about?: { readonly provider: string; readonly account: string };
}

/** Comes back when it was agreed to: by `--yes`, or by a person. @throws AuthError the matter's own, the signal's reason */
export async function askForYes(
  { canAsk, flags, io, output, signal }: Context,
  { warning, question, unasked, declined, about }: Matter,
): Promise<void> {
  for (const line of warning) output.say(line);
  if (flags.yes === true) return;
  const { AuthError } = await import("../runtime/index.ts");
  const name = about === undefined ? {} : { provider: about.provider, account: about.account };
  if (!canAsk) throw new AuthError(unasked, name);
  if (!(await saysYes(io, signal, question))) throw new AuthError(declined, name);
}

/** Anything else than a yes, or nothing, is none. @throws the signal's reason */
async function saysYes(io: Io, signal: AbortSignal, question: string): Promise<boolean> {
  const prompt = createPrompt(io, signal);
  const answer = await prompt.next(question);
  prompt.close();
  return answer?.trim().toLowerCase() === "yes";
}
