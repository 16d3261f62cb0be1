// What outranks a login, in a sentence: a forgotten key that wins silently is paid for by the person who forgot it.
import type { Precedence } from "../runtime/index.ts";
import type { Output } from "./output.ts";

/** Null: nothing outranks OAuth, or OAuth is off. */
export function outrankedBy({ candidates, winner }: Precedence): string | null {
  const isOn = candidates.some(({ kind, isSet }) => kind === "oauth" && isSet);
  return isOn && winner !== null && winner.kind !== "oauth" ? winner.origin : null;
}

/** One line on standard error when OAuth is enabled and something else is used. */
export function sayOutranked({ say }: Output, provider: string, precedence: Precedence): void {
  const origin = outrankedBy(precedence);
  if (origin !== null) say(`Note: ${origin} outranks OAuth for ${provider}.`);
}
